//! A round sign for a person or a circle of people.

use client::Contact;
use leptos::prelude::*;

use super::icon::{Icon, Sign};

const HUES: u32 = 6;

/// The first letter of a name on a colour that belongs to it; for several people, their sign. It says nothing to
/// screen readers: the names beside it do.
#[component]
pub fn Avatar(
    /// Whom it stands for.
    people: Vec<Contact>,
) -> impl IntoView {
    let hue = hue(&people);
    let face = match people.as_slice() {
        [one] => initial(one.username.as_str()).into_any(),
        _ => view! { <Icon sign=Sign::People /> }.into_any(),
    };
    view! { <span class=format!("avatar avatar-hue-{hue}") aria-hidden="true">{face}</span> }
}

fn initial(name: &str) -> String {
    name.chars().next().map(|letter| letter.to_ascii_uppercase().to_string()).unwrap_or_default()
}

fn hue(people: &[Contact]) -> u32 {
    let bytes = people.iter().flat_map(|person| person.username.as_str().bytes());
    bytes.fold(7u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % HUES
}

//! Sixty digits to compare.

use leptos::prelude::*;

/// The digits in groups of five, to be read aloud.
#[component]
pub fn SafetyNumber(
    /// Whose number it is, for screen readers.
    #[prop(into)]
    name: String,
    /// The number; `None` before the first message.
    number: Option<crypto::safety_number::SafetyNumber>,
) -> impl IntoView {
    match number {
        Some(number) => {
            let digits = number.to_string();
            let groups = digits.split(' ').map(|group| view! { <li>{group.to_owned()}</li> }).collect_view();
            view! {
                <ol class="safety-number" aria-label=format!("Safety number with {name}")>
                    {groups}
                </ol>
            }
            .into_any()
        }
        None => view! {
            <p class="hint">{format!("The number appears with the first message to or from {name}.")}</p>
        }
        .into_any(),
    }
}

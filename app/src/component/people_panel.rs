//! Who reads a conversation, and the numbers to compare.

use client::Contact;
use leptos::prelude::*;

use super::{avatar::Avatar, safety_number::SafetyNumber, side_panel::SidePanel};

/// The panel beside a thread.
#[component]
pub fn PeoplePanel(
    /// Everyone but oneself.
    others: Vec<Contact>,
    /// Tells the safety number with somebody.
    safety_number: Callback<Contact, Option<crypto::safety_number::SafetyNumber>>,
    /// Closes the panel.
    on_close: Callback<()>,
) -> impl IntoView {
    view! {
        <SidePanel id="people-title" title="Who reads this" on_close>
            <p class="hint">
                "You, and the people below. Compare each safety number over a call or in person: \
                 if both of you see the same digits, nobody stands between you."
            </p>
            <ul class="people-panel-list">
                {others
                    .into_iter()
                    .map(|person| {
                        let name = person.username.to_string();
                        view! {
                            <li>
                                <h3 class="row">
                                    <Avatar people=vec![person.clone()] />
                                    <span>{name.clone()}</span>
                                </h3>
                                <SafetyNumber name number=safety_number.run(person) />
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </SidePanel>
    }
}

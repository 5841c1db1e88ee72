//! Who reads a conversation, and the numbers to compare.

use client::Contact;
use leptos::{ev, prelude::*};

use super::{
    avatar::Avatar,
    icon::{Icon, Sign},
    safety_number::SafetyNumber,
};

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
        <section
            class="people-panel"
            aria-labelledby="people-title"
            on:keydown=move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_close.run(());
                }
            }
        >
            <header class="people-panel-head">
                <h2 id="people-title" tabindex="-1">"Who reads this"</h2>
                <button
                    type="button"
                    class="button button-quiet button-icon"
                    aria-label="Close"
                    on:click=move |_| on_close.run(())
                >
                    <Icon sign=Sign::Close />
                </button>
            </header>
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
        </section>
    }
}

//! Somebody's identity key is not the one that was accepted.

use client::Contact;
use leptos::prelude::*;

use super::{
    icon::{Icon, Sign},
    safety_number::SafetyNumber,
};
use crate::browser;

/// The warning; reviewed, it shows the new number and offers to accept.
#[component]
pub fn KeyWarning(
    /// Whose key.
    contact: Contact,
    /// Tells the safety number with the new key.
    safety_number: Callback<Contact, Option<crypto::safety_number::SafetyNumber>>,
    /// Accepts the new key.
    on_accept: Callback<Contact>,
    /// What went wrong with accepting.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let reviewing = RwSignal::new(false);
    let name = contact.username.to_string();
    let contact = StoredValue::new(contact);
    let review = move |_| {
        reviewing.set(true);
        request_animation_frame(|| browser::focus("key-warning-accept"));
    };
    view! {
        <section class="key-warning" role="alert">
            <p class="row">
                <Icon sign=Sign::Warning />
                <strong>{format!("The security key of {name} has changed.")}</strong>
            </p>
            <p>
                "This happens when somebody starts over after losing everything, and also when somebody \
                 stands between you and reads along. Nothing is sent until you accept the new key."
            </p>
            <Show
                when=move || reviewing.get()
                fallback=move || {
                    view! {
                        <p><button type="button" class="button" on:click=review>"Review and accept"</button></p>
                    }
                }
            >
                <p>{format!("Ask {name}, over a call or in person, for the number on their side. It must be this one:")}</p>
                <SafetyNumber
                    name=contact.read_value().username.to_string()
                    number=safety_number.run(contact.get_value())
                />
                <p class="error" role="alert">{move || error.get()}</p>
                <p class="row">
                    <button
                        id="key-warning-accept"
                        type="button"
                        class="button button-danger"
                        on:click=move |_| on_accept.run(contact.get_value())
                    >
                        "Accept the new key"
                    </button>
                    <button type="button" class="button" on:click=move |_| reviewing.set(false)>"Not now"</button>
                </p>
            </Show>
        </section>
    }
}

//! Somebody's identity key, or list of devices, is not the one that was accepted.

use client::{Contact, KeyChange};
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
    /// What has changed.
    change: KeyChange,
    /// Tells the safety number with the new key.
    safety_number: Callback<Contact, Option<crypto::safety_number::SafetyNumber>>,
    /// Accepts the new key, if it still is the one of the number that was shown.
    on_accept: Callback<(Contact, crypto::safety_number::SafetyNumber)>,
    /// What went wrong with accepting.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    // The number as it was shown: what is accepted is what was compared.
    let shown = RwSignal::new(None::<crypto::safety_number::SafetyNumber>);
    let name = contact.username.to_string();
    let headline = match change {
        KeyChange::Key => format!("The security key of {name} has changed."),
        KeyChange::Devices => format!("The list of {name}'s devices is another one than before."),
    };
    let contact = StoredValue::new(contact);
    let review = move |_| {
        shown.set(safety_number.run(contact.get_value()));
        request_animation_frame(|| browser::focus("key-warning-accept"));
    };
    let accept = move |_| {
        if let Some(number) = shown.get_untracked() {
            on_accept.run((contact.get_value(), number));
        }
    };
    view! {
        <section class="key-warning" role="alert">
            <p class="row">
                <Icon sign=Sign::Warning />
                <strong>{headline}</strong>
            </p>
            <p>{format!("{} Nothing is sent until you accept {}.", change.meaning(), change.what())}</p>
            <Show
                when=move || shown.with(Option::is_some)
                fallback=move || {
                    view! {
                        <p><button type="button" class="button" on:click=review>"Review and accept"</button></p>
                    }
                }
            >
                <p>{format!("Ask {name}, over a call or in person, for the number on their side. It must be this one:")}</p>
                <SafetyNumber
                    name=contact.read_value().username.to_string()
                    number=shown.get()
                />
                <p class="error" role="alert">{move || error.get()}</p>
                <p class="row">
                    <button
                        id="key-warning-accept"
                        type="button"
                        class="button button-danger"
                        on:click=accept
                    >
                        {format!("Accept {}", change.what())}
                    </button>
                    <button type="button" class="button" on:click=move |_| shown.set(None)>"Not now"</button>
                </p>
            </Show>
        </section>
    }
}

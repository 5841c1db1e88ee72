//! The field for a recovery key.

use leptos::{html, prelude::*};

/// Room for eleven groups of four, as they are typed or pasted.
#[component]
pub fn RecoveryKeyField(
    /// The field, for reading what was typed.
    node: NodeRef<html::Textarea>,
    /// Called while typing.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
    /// What is said below the field about what was typed.
    #[prop(into)]
    hint: Signal<&'static str>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for="recovery-key">"Recovery key"</label>
            <textarea
                id="recovery-key"
                class="input input-code recovery-key-field"
                rows="3"
                maxlength="200"
                autocomplete="off"
                autocapitalize="characters"
                spellcheck="false"
                aria-describedby="recovery-key-hint"
                node_ref=node
                on:input:target=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event.target().value());
                    }
                }
            ></textarea>
            <p id="recovery-key-hint" class="hint" role="status">{move || hint.get()}</p>
        </div>
    }
}

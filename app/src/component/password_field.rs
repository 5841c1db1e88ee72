//! A field for a password, which can be shown.

use leptos::{html, prelude::*};

/// Label, field, and a button that shows what was typed.
#[component]
pub fn PasswordField(
    /// The field's id.
    id: &'static str,
    /// Its label.
    label: &'static str,
    /// What password managers are told: `current-password` or `new-password`.
    autocomplete: &'static str,
    /// The field, for reading what was typed.
    node: NodeRef<html::Input>,
    /// Called while typing.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
    /// The id of what describes the field.
    #[prop(optional)]
    described_by: Option<&'static str>,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="password-field">
                <input
                    id=id
                    name=id
                    class="input"
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    aria-describedby=described_by
                    node_ref=node
                    on:input:target=move |event| {
                        if let Some(on_input) = on_input {
                            on_input.run(event.target().value());
                        }
                    }
                />
                <button
                    type="button"
                    class="button button-quiet password-show"
                    aria-pressed=move || shown.get().to_string()
                    aria-label=format!("Show {}", label.to_lowercase())
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    {move || if shown.get() { "Hide" } else { "Show" }}
                </button>
            </div>
        </div>
    }
}

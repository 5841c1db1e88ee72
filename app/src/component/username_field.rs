//! The field for a username.

use leptos::{html, prelude::*};

/// Label, field, and where there is one a hint that speaks up while a name is typed.
#[component]
pub fn UsernameField(
    /// The field, for reading what was typed.
    node: NodeRef<html::Input>,
    /// Called while typing.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
    /// What stands below the field.
    #[prop(optional, into)]
    hint: Option<Signal<String>>,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for="username">"Username"</label>
            <input
                id="username"
                name="username"
                class="input"
                type="text"
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                required
                aria-describedby=hint.map(|_| "username-hint")
                node_ref=node
                on:input:target=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event.target().value());
                    }
                }
            />
            {hint.map(|hint| view! { <p id="username-hint" class="hint">{move || hint.get()}</p> })}
        </div>
    }
}

/// A name that is settled already: nobody types it, and password managers learn whose password stands beside it.
#[component]
pub fn SettledUsername(
    /// The name.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    view! {
        <input
            class="visually-hidden"
            type="text"
            name="username"
            autocomplete="username"
            aria-hidden="true"
            tabindex="-1"
            readonly
            prop:value=name
        />
    }
}

//! The field for the code of the second factor.

use leptos::{html, prelude::*};

use crate::browser;

/// One field for both kinds of code. Digits come first, with the keyboard for them; a recovery code has letters too.
#[component]
pub fn CodeField(
    /// The field, for reading what was typed.
    node: NodeRef<html::Input>,
) -> impl IntoView {
    let recovery = RwSignal::new(false);
    let switch = move |_| {
        recovery.update(|recovery| *recovery = !*recovery);
        browser::focus("code");
    };
    view! {
        <div class="field">
            <label for="code">{move || if recovery.get() { "Recovery code" } else { "Code" }}</label>
            <input
                id="code"
                name="code"
                class="input input-code"
                type="text"
                inputmode=move || if recovery.get() { "text" } else { "numeric" }
                autocomplete="one-time-code"
                autocapitalize="characters"
                spellcheck="false"
                required
                aria-describedby="code-hint"
                node_ref=node
            />
            <p id="code-hint" class="hint">
                {move || {
                    if recovery.get() {
                        "One of the ten that you kept when you set up the second factor: 24 letters and digits. Each works once."
                    } else {
                        "The 6 digits that your authenticator shows now."
                    }
                }}
            </p>
            <p>
                <button type="button" class="button button-quiet button-inline" on:click=switch>
                    {move || if recovery.get() { "Use the authenticator instead" } else { "Use a recovery code instead" }}
                </button>
            </p>
        </div>
    }
}

//! The second step of signing in: a code.

use leptos::{ev, html, prelude::*};
use protocol::Username;

use super::login::Steps;
use crate::{
    browser,
    component::{code_field::CodeField, form_error::FormError},
};

/// The card. The password was right; it waits in memory.
#[component]
pub fn SecondStep(
    /// Who signs in.
    name: Username,
    /// Where the card stands among the others.
    steps: Steps,
) -> impl IntoView {
    let code = NodeRef::<html::Input>::new();
    Effect::new(|| request_animation_frame(|| browser::focus("code")));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = code.get_untracked() {
            steps.submit_code(&field.value());
        }
    };
    view! {
        <form class="card card-narrow" method="post" novalidate on:submit=submit aria-labelledby="code-title">
            <div>
                <h1 id="code-title">"Enter your code"</h1>
                <p class="lead">"The password of " <strong>{name.to_string()}</strong> " is right. One more step."</p>
            </div>
            <CodeField node=code />
            <FormError text=steps.error />
            <button
                type="submit"
                class="button button-primary button-wide"
                aria-disabled=move || steps.busy.get().then_some("true")
            >
                {move || if steps.busy.get() { "Opening your messages…" } else { "Continue" }}
            </button>
            <button type="button" class="button button-wide" on:click=move |_| steps.back()>"Back"</button>
        </form>
    }
}

//! Where `/login` finds a locked page: the password opens it again.

use leptos::{ev, html, prelude::*, task::spawn_local};
use protocol::Username;
use zeroize::Zeroizing;

use super::login::{Steps, Way};
use crate::{
    browser,
    component::{
        form_error::FormError, password_field::PasswordField, unsent_warning::UnsentWarning,
        username_field::SettledUsername,
    },
    state::session::{LockReason, use_session},
};

/// The card: whose page it is, and the ways on for whoever is somebody else.
#[component]
pub fn Unlock(
    /// Whose page it is.
    name: Username,
    /// Why it is locked, where it needs saying.
    reason: Option<LockReason>,
    /// Where the card stands among the others.
    steps: Steps,
    /// Shows the card for everybody.
    #[prop(into)]
    on_somebody_else: Callback<()>,
) -> impl IntoView {
    let session = use_session();
    let password = NodeRef::<html::Input>::new();
    let warned = RwSignal::new(None::<usize>);
    let leaving = RwSignal::new(false);
    Effect::new(|| {
        if !browser::types_on_glass() {
            request_animation_frame(|| browser::focus("password"));
        }
    });

    let shown = name.to_string();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = password.get_untracked() {
            steps.submit(Way::Unlock, name.clone(), Zeroizing::new(field.value()));
        }
    };
    let log_out = move |_| {
        if leaving.get_untracked() {
            return;
        }
        spawn_local(async move {
            let unsent = session.unsent_of_locked().await;
            if unsent > 0 && warned.get_untracked().is_none() {
                return warned.set(Some(unsent));
            }
            leaving.set(true);
            steps.error.set(None);
            session.log_out_locked().await;
        });
    };
    view! {
        <form class="card card-narrow" method="post" on:submit=submit aria-labelledby="unlock-title">
            <div>
                <h1 id="unlock-title">"Unlock"</h1>
                <p class="lead">"Signed in as " <strong>{shown.clone()}</strong></p>
            </div>
            {reason.map(|reason| view! { <p class="notice" role="status">{reason.text()}</p> })}
            <SettledUsername name=shown.clone() />
            <PasswordField id="password" label="Password" autocomplete="current-password" node=password />
            <FormError text=steps.error />
            <button
                type="submit"
                class="button button-primary button-wide"
                aria-disabled=move || steps.busy.get().then_some("true")
            >
                {move || if steps.busy.get() { "Opening your messages…" } else { "Unlock" }}
            </button>
            <div class="unlock-others">
                <UnsentWarning count=warned />
                <p class="hint">{format!("Not {shown}?")}</p>
                <div class="row">
                    <button type="button" class="button" on:click=move |_| {
                        steps.error.set(None);
                        on_somebody_else.run(());
                    }>"Sign in as somebody else"</button>
                    <button
                        type="button"
                        class="button"
                        aria-disabled=move || leaving.get().then_some("true")
                        on:click=log_out
                    >
                        {move || if warned.get().is_some() { "Log out anyway" } else { "Log out" }}
                    </button>
                </div>
                <p class="hint"><a href="/forgot">"Forgot password?"</a></p>
            </div>
        </form>
    }
}

//! The token: from the page's address, or typed.

use std::rc::Rc;

use client::{Reset, ResetError};
use crypto::one_time::ResetToken;
use leptos::{ev, prelude::*, task::spawn_local};

use super::{Step, Steps};
use crate::{
    browser,
    component::{form_error::FormError, needs_script::NeedsScript},
    state::session::use_session,
};

/// Takes the token out of the address and checks it; asks for it where there is none, or it is good no more.
#[component]
pub fn TokenCard(
    /// Where the page stands.
    step: Steps,
    /// What was wrong with the token.
    error: RwSignal<Option<String>>,
) -> impl IntoView {
    let session = use_session();
    let typed = RwSignal::new(String::new());
    let live = RwSignal::new(false);
    let checking = RwSignal::new(false);
    Effect::new(move || live.set(true));

    let check = move || {
        let Some(device) = untrack(|| session.device()) else { return };
        if checking.get_untracked() {
            return;
        }
        let token = match parse(&typed.read_untracked()) {
            Ok(token) => token,
            Err(text) => {
                error.set(Some(text.to_owned()));
                return browser::focus("token");
            }
        };
        error.set(None);
        checking.set(true);
        spawn_local(async move {
            let checked = Reset::check(device, token).await;
            // The page may have been left meanwhile.
            let _ = checking.try_set(false);
            match checked {
                Ok(reset) => {
                    let _ = step.try_set(Step::Form(Rc::new(reset)));
                }
                Err(refused) => {
                    if matches!(refused, ResetError::Token(_)) {
                        let _ = typed.try_set(String::new());
                    }
                    let _ = error.try_set(Some(refused.to_string()));
                    browser::focus("token");
                }
            }
        });
    };
    let look = move || {
        if let Some(token) = browser::take_fragment("token") {
            typed.set(token.to_string());
            check();
        }
    };
    Effect::new(move || {
        if session.device().is_some() {
            look();
        }
    });
    Effect::new(move || {
        // A link that is opened where this page stands already changes nothing but the fragment.
        let handle = window_event_listener_untyped("hashchange", move |_| look());
        on_cleanup(move || handle.remove());
    });
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        check();
    };

    view! {
        <form class="card card-narrow" method="post" novalidate on:submit=submit aria-labelledby="token-title">
            <div>
                <h1 id="token-title">"Set a new password"</h1>
                <p class="lead">"With the link from your mail, or from whoever runs this server."</p>
            </div>
            <NeedsScript />
            <div class="field">
                <label for="token">"Link or token"</label>
                <input
                    id="token"
                    class="input"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    aria-describedby="token-hint"
                    prop:value=move || typed.get()
                    on:input:target=move |event| typed.set(event.target().value())
                />
                <p id="token-hint" class="hint">"It is good once, for an hour; a newer one takes its place."</p>
            </div>
            <FormError text=error />
            <button
                type="submit"
                class="button button-primary button-wide"
                disabled=move || !live.get()
                aria-disabled=move || checking.get().then_some("true")
            >
                {move || if checking.get() { "Checking…" } else { "Continue" }}
            </button>
            <p class="hint row row-apart">
                <a href="/login">"Back to sign in"</a>
                <a href="/forgot">"Ask for a new link"</a>
            </p>
        </form>
    }
}

/// The whole link, or what stands at its end.
fn parse(typed: &str) -> Result<ResetToken, &'static str> {
    let token = typed.rsplit_once("token=").map_or(typed, |(_, token)| token);
    token.parse().map_err(
        |_| "This is not a whole token: copy the link or the token from the mail, up to its last letter",
    )
}

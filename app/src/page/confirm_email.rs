//! `/confirm-email`: where the link of a mail leads that shows that a new address is read.

use client::Interruption;
use crypto::one_time::EmailToken;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use protocol::profile::EmailConfirmed;

use crate::{
    browser,
    component::{form_error::FormError, needs_script::NeedsScript, public_frame::PublicFrame},
    state::session::use_session,
};

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// It is being asked.
    Asking,
    /// The address is the account's.
    Confirmed(EmailConfirmed),
    /// The address of the page holds no token, or half of one.
    NoToken,
    /// The token is good no more.
    Refused(String),
    /// Nobody answered; it may be tried again.
    Unanswered(String),
}

/// Confirms at once, and says what happened.
#[component]
pub fn ConfirmEmail() -> impl IntoView {
    let session = use_session();
    let step = RwSignal::new(Step::Asking);
    let token = StoredValue::new_local(None::<EmailToken>);
    let confirm = move || {
        let (Some(token), Some(device)) = (token.get_value(), untrack(|| session.device())) else { return };
        step.set(Step::Asking);
        spawn_local(async move {
            step.set(match client::confirm_email(&*device, token).await {
                Ok(confirmed) => Step::Confirmed(confirmed),
                Err(error) if error.passes_by_itself() => Step::Unanswered(error.to_string()),
                Err(Interruption::Refused(refusal)) => Step::Refused(refusal.to_string()),
                Err(error) => Step::Unanswered(error.to_string()),
            });
        });
    };
    let look = move || {
        let found = browser::take_fragment("token").and_then(|text| text.parse().ok());
        match found {
            Some(found) => {
                token.set_value(Some(found));
                confirm();
            }
            None => step.set(Step::NoToken),
        }
    };
    Effect::new(move || {
        if session.device().is_some() {
            look();
        }
    });
    Effect::new(move || {
        // A link that is opened where this page stands already changes nothing but the fragment.
        let handle = window_event_listener_untyped("hashchange", move |_| {
            if browser::fragment("token").is_some() {
                look();
            }
        });
        on_cleanup(move || handle.remove());
    });

    view! {
        <Title text="Confirm your address" />
        <PublicFrame>
            <section class="card card-narrow" aria-labelledby="confirm-title">
                <h1 id="confirm-title">"Confirm your address"</h1>
                <NeedsScript />
                <div role="status" class="speaks-up">
                    {move || match step.get() {
                        Step::Asking => view! { <p>"One moment…"</p> }.into_any(),
                        Step::Confirmed(EmailConfirmed { username, email }) => {
                            view! {
                                <p>
                                    <strong class="long-word">{email.as_str().to_owned()}</strong>
                                    " is now the address of the account " <strong>{username.to_string()}</strong>
                                    ". If you ever forget your password, the link comes there."
                                </p>
                            }
                                .into_any()
                        }
                        Step::NoToken | Step::Refused(_) | Step::Unanswered(_) => ().into_any(),
                    }}
                </div>
                <FormError text=Signal::derive(move || match step.get() {
                    Step::NoToken => {
                        Some("This page opens from the link in a mail: copy the whole link, up to its last letter.".to_owned())
                    }
                    Step::Refused(text) | Step::Unanswered(text) => Some(text),
                    Step::Asking | Step::Confirmed(_) => None,
                }) />
                <Show when=move || matches!(step.get(), Step::Refused(_))>
                    <p class="hint">"A newer mail takes the place of an older one. In Settings you ask for another."</p>
                </Show>
                <Show when=move || matches!(step.get(), Step::Unanswered(_))>
                    <button type="button" class="button button-wide" on:click=move |_| confirm()>"Try again"</button>
                </Show>
                <p><a class="button button-primary button-wide" href="/inbox">"Go to your inbox"</a></p>
            </section>
        </PublicFrame>
    }
}

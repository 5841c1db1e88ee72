//! `/forgot`: a mail with a link that sets a new password.

use client::Interruption;
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use protocol::{Code, EmailAddress};

use crate::{
    browser,
    component::{form_error::FormError, needs_script::NeedsScript, public_frame::PublicFrame},
    state::{policy::use_policy, session::use_session},
};

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The address is asked for.
    Ask,
    /// A mail is on its way to this address, if somebody has it.
    Sent(String),
    /// This server sends no mail: its operator has to help.
    NoMail,
}

/// The page.
#[component]
pub fn Forgot() -> impl IntoView {
    let policy = use_policy();
    let step = RwSignal::new(Step::Ask);
    Effect::new(move || {
        if policy.get().is_some_and(|policy| !policy.mail) {
            step.set(Step::NoMail);
        }
    });
    view! {
        <Title text="Forgot password" />
        <PublicFrame>
            {move || match step.get() {
                Step::Ask => view! { <Ask step /> }.into_any(),
                Step::Sent(address) => view! { <Sent address step /> }.into_any(),
                Step::NoMail => view! { <NoMail /> }.into_any(),
            }}
        </PublicFrame>
    }
}

#[component]
fn Ask(step: RwSignal<Step>) -> impl IntoView {
    let session = use_session();
    let email = NodeRef::<html::Input>::new();
    let error = RwSignal::new(None::<String>);
    let live = RwSignal::new(false);
    let busy = RwSignal::new(false);
    Effect::new(move || live.set(true));

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(field), Some(device), false) =
            (email.get_untracked(), untrack(|| session.device()), busy.get_untracked())
        else {
            return;
        };
        let address = match field.value().trim().parse::<EmailAddress>() {
            Ok(address) => address,
            Err(refused) => {
                error.set(Some(refused.to_string()));
                return browser::focus("email");
            }
        };
        error.set(None);
        busy.set(true);
        spawn_local(async move {
            let asked = client::forgot_password(&*device, address.clone()).await;
            busy.set(false);
            match asked {
                Ok(()) => step.set(Step::Sent(address.as_str().to_owned())),
                Err(refused) if says_no_mail(&refused) => step.set(Step::NoMail),
                Err(refused) => {
                    error.set(Some(refused.to_string()));
                    browser::focus("email");
                }
            }
        });
    };

    view! {
        <form class="card card-narrow" method="post" novalidate on:submit=submit aria-labelledby="forgot-title">
            <div>
                <h1 id="forgot-title">"Forgot your password?"</h1>
                <p class="lead">"A mail with a link sets a new one."</p>
            </div>
            <NeedsScript />
            <div class="field">
                <label for="email">"E-mail"</label>
                <input
                    id="email"
                    name="email"
                    class="input"
                    type="email"
                    autocomplete="email"
                    required
                    aria-describedby="email-hint"
                    node_ref=email
                />
                <p id="email-hint" class="hint">"The address that you gave when you made your account, or later in Settings."</p>
            </div>
            <FormError text=error />
            <button
                type="submit"
                class="button button-primary button-wide"
                disabled=move || !live.get()
                aria-disabled=move || busy.get().then_some("true")
            >
                {move || if busy.get() { "Asking for the mail…" } else { "Send the mail" }}
            </button>
            <Ways />
        </form>
    }
}

fn says_no_mail(refused: &Interruption) -> bool {
    match refused {
        Interruption::Refused(refusal) | Interruption::Busy(refusal) => refusal.code == Code::MailUnavailable,
        _ => false,
    }
}

#[component]
fn Sent(address: String, step: RwSignal<Step>) -> impl IntoView {
    Effect::new(|| request_animation_frame(|| browser::focus("sent-title")));
    view! {
        <section class="card card-narrow" aria-labelledby="sent-title">
            <h1 id="sent-title" tabindex="-1">"Look into your mailbox"</h1>
            <p>
                "If an account has the address " <strong class="long-word">{address}</strong>
                ", a mail with a link is on its way. It is good once, for an hour."
            </p>
            <p class="hint">"Nothing after a few minutes? Look where your spam goes, or try another address."</p>
            <button type="button" class="button button-wide" on:click=move |_| step.set(Step::Ask)>
                "Try another address"
            </button>
            <Ways />
        </section>
    }
}

#[component]
fn NoMail() -> impl IntoView {
    view! {
        <section class="card card-narrow" aria-labelledby="no-mail-title">
            <h1 id="no-mail-title">"Forgot your password?"</h1>
            <p class="notice" role="status">"This server does not send mail. Nothing was sent."</p>
            <p>"Ask whoever runs it for a link that sets a new password. They make one with this command, with your username for NAME:"</p>
            <p><code class="command">"secure-messaging admin reset-link NAME"</code></p>
            <p class="hint">"Let them hand it to you in person or over a call. It is good once, for an hour."</p>
            <Ways />
        </section>
    }
}

#[component]
fn Ways() -> impl IntoView {
    view! {
        <p class="hint row row-apart">
            <a href="/login">"Back to sign in"</a>
            <a href="/reset">"I have a link or a token"</a>
        </p>
    }
}

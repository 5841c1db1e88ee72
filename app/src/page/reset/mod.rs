//! `/reset`: a new password by the token of a mail, or of the operator.

pub mod form;
pub mod keys;
pub mod token;

use std::rc::Rc;

use client::{Redeemed, Reset};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use protocol::Username;

use crate::{
    browser::{self, Device},
    component::{public_frame::PublicFrame, recovery_key_step::RecoveryKeyStep},
    state::session::use_session,
};
use form::ResetForm;
use token::TokenCard;

/// How far it has come.
#[derive(Clone)]
pub enum Step {
    /// The token is asked for, or being checked.
    Token,
    /// It is good: the new password is asked for.
    Form(Rc<Reset<Device>>),
    /// The keys were lost: the new recovery key is to be kept.
    KeepKey(Rc<Redeemed>),
    /// The password is set; whether the keys stayed.
    Done {
        /// Whose.
        username: Username,
        /// Whether what was written stays readable.
        kept: bool,
    },
}

/// Where the page stands; its cards move it on.
pub type Steps = RwSignal<Step, LocalStorage>;

/// The card that is due.
#[component]
pub fn ResetPassword() -> impl IntoView {
    let step: Steps = RwSignal::new_local(Step::Token);
    let error = RwSignal::new(None::<String>);
    view! {
        <Title text="Set a new password" />
        <PublicFrame>
            {move || match step.get() {
                Step::Token => view! { <TokenCard step error /> }.into_any(),
                Step::Form(reset) => view! { <ResetForm reset step token_error=error /> }.into_any(),
                Step::KeepKey(redeemed) => view! { <KeepKey redeemed step /> }.into_any(),
                Step::Done { username, kept } => view! { <Done username kept /> }.into_any(),
            }}
        </PublicFrame>
    }
}

#[component]
fn KeepKey(redeemed: Rc<Redeemed>, step: Steps) -> impl IntoView {
    let session = use_session();
    show_from_the_top("recovery-key-title");
    let (Some((_, key)), Some(hints)) = (redeemed.fresh.clone(), session.draw_hints()) else {
        return ().into_any();
    };
    let (account, username) = (redeemed.account, redeemed.username.clone());
    let shown = username.to_string();
    let confirmed = move |()| {
        let username = username.clone();
        spawn_local(async move {
            session.forget_recovery_key_of(account).await;
            step.set(Step::Done { username, kept: false });
        });
    };
    view! { <RecoveryKeyStep username=shown key hints on_confirm=confirmed confirm_label="Continue" /> }
        .into_any()
}

#[component]
fn Done(
    username: Username,
    /// Whether what was written stayed readable.
    kept: bool,
) -> impl IntoView {
    show_from_the_top("done-title");
    let messages = if kept {
        "Your messages are where they were."
    } else {
        "Your contacts will be asked to accept your new key. Settings can open your older messages, with the old password or the old recovery key."
    };
    view! {
        <section class="card card-narrow" aria-labelledby="done-title">
            <h1 id="done-title" tabindex="-1">"Your new password is set"</h1>
            <p>"Every browser that was signed in as " <strong>{username.to_string()}</strong> " has been signed out. " {messages}</p>
            <p><a class="button button-primary button-wide" href="/login">"Sign in"</a></p>
        </section>
    }
}

/// Another card has taken the place of the one before.
fn show_from_the_top(title: &'static str) {
    Effect::new(move || {
        request_animation_frame(move || {
            window().scroll_to_with_x_and_y(0.0, 0.0);
            browser::focus(title);
        });
    });
}

//! `/login`: the password, then a code where one is asked for; also where a locked page is opened again.

use client::{SignIn, SignInError};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use protocol::Username;
use zeroize::Zeroizing;

use super::{second_step::SecondStep, unlock::Unlock};
use crate::{
    browser,
    component::{
        form_error::FormError, needs_script::NeedsScript, password_field::PasswordField,
        public_frame::PublicFrame, username_field::UsernameField,
    },
    state::session::{Session, Standing, use_session},
};

/// What a form that was filled in is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A new session.
    SignIn,
    /// The session of a locked page, if it still goes on.
    Unlock,
}

/// The steps of signing in, shared by their cards.
#[derive(Clone, Copy)]
pub struct Steps {
    session: Session,
    /// What was filled in, while a code is asked for: it stays in memory until then, and no longer.
    waiting: RwSignal<Option<Waiting>, LocalStorage>,
    /// What went wrong with the last try.
    pub error: RwSignal<Option<String>>,
    /// Whether a try is under way.
    pub busy: RwSignal<bool>,
}

#[derive(Clone)]
struct Waiting {
    way: Way,
    form: SignIn,
}

/// The card that is due.
#[component]
pub fn Login() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    let steps = Steps {
        session,
        waiting: RwSignal::new_local(None),
        error: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    let somebody_else = RwSignal::new(false);

    // Who is signed in already is led to where they wanted to go.
    Effect::new(move || {
        if session.is_open() {
            let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
            navigate(&session.take_wanted(), options);
        }
    });
    let waiting_for = Memo::new(move |_| {
        steps.waiting.with(|waiting| waiting.as_ref().map(|waiting| waiting.form.username.clone()))
    });
    let locked = Memo::new(move |_| match session.standing() {
        Standing::Locked { username, reason } if !somebody_else.get() => Some((username, reason)),
        _ => None,
    });
    view! {
        <Title text=move || if locked.with(Option::is_some) { "Unlock" } else { "Sign in" } />
        <PublicFrame>
            {move || match (waiting_for.get(), locked.get()) {
                (Some(name), _) => view! { <SecondStep name steps /> }.into_any(),
                (None, Some((name, reason))) => {
                    view! { <Unlock name reason steps on_somebody_else=move |()| somebody_else.set(true) /> }.into_any()
                }
                (None, None) => view! { <SignInCard steps asked=somebody_else /> }.into_any(),
            }}
        </PublicFrame>
    }
}

#[component]
fn SignInCard(
    steps: Steps,
    /// Whether somebody asked for just this card.
    asked: RwSignal<bool>,
) -> impl IntoView {
    let username = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let live = RwSignal::new(false);
    Effect::new(move || {
        live.set(true);
        if asked.get_untracked() {
            browser::focus("username");
        }
    });

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(name_field), Some(password_field)) = (username.get_untracked(), password.get_untracked())
        else {
            return;
        };
        // A name that cannot exist is answered as one that does not.
        let Ok(name) = name_field.value().trim().parse::<Username>() else {
            return steps.error.set(Some(SignInError::WrongCredentials.to_string()));
        };
        steps.submit(Way::SignIn, name, Zeroizing::new(password_field.value()));
    };

    view! {
        <form class="card card-narrow" method="post" on:submit=submit aria-labelledby="login-title">
            <h1 id="login-title">"Sign in"</h1>
            <NeedsScript />
            <UsernameField node=username />
            <PasswordField id="password" label="Password" autocomplete="current-password" node=password />
            <FormError text=steps.error />
            <button
                type="submit"
                class="button button-primary button-wide"
                disabled=move || !live.get()
                aria-disabled=move || steps.busy.get().then_some("true")
            >
                {move || if steps.busy.get() { "Opening your messages…" } else { "Sign in" }}
            </button>
            <p class="hint row row-apart">
                <a href="/forgot">"Forgot password?"</a>
                <span>"No account yet? " <a href="/register">"Create an account"</a></span>
            </p>
        </form>
    }
}

impl Steps {
    /// Sends what the first card holds.
    pub fn submit(self, way: Way, username: Username, password: Zeroizing<String>) {
        let device_name = browser::device_name();
        self.go(Waiting { way, form: SignIn { username, password, code: None, device_name } });
    }

    /// Sends the same once more, with a code.
    pub fn submit_code(self, typed: &str) {
        let Some(Waiting { way, form }) = self.waiting.get_untracked() else { return };
        match typed.parse() {
            Ok(code) => self.go(Waiting { way, form: SignIn { code: Some(code), ..form } }),
            Err(refused) => {
                self.error.set(Some(format!("{refused}")));
                browser::focus("code");
            }
        }
    }

    /// Back to the password.
    pub fn back(self) {
        self.error.set(None);
        self.waiting.set(None);
        request_animation_frame(|| browser::focus("password"));
    }

    fn go(self, filled_in: Waiting) {
        let session = self.session;
        if self.busy.get_untracked() {
            return;
        }
        self.error.set(None);
        self.busy.set(true);
        spawn_local(async move {
            let Waiting { way, form } = filled_in.clone();
            let result = match way {
                Way::SignIn => session.sign_in(form).await,
                Way::Unlock => session.unlock(form).await,
            };
            self.busy.set(false);
            let Err(refused) = result else { return };
            match refused {
                SignInError::SecondFactorRequired => self.waiting.set(Some(filled_in)),
                SignInError::WrongCode => {
                    self.error.set(Some(refused.to_string()));
                    browser::focus("code");
                }
                refused => {
                    let wrong_password = refused == SignInError::WrongCredentials;
                    self.error.set(Some(match (way, wrong_password) {
                        (Way::Unlock, true) => {
                            format!("This is not the password of {}", filled_in.form.username)
                        }
                        _ => refused.to_string(),
                    }));
                    if wrong_password {
                        self.waiting.set(None);
                    }
                    request_animation_frame(|| {
                        browser::focus("password");
                        browser::focus("code");
                    });
                }
            }
        });
    }
}

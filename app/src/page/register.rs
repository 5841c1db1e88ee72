//! `/register`: a name, a password, then the recovery key.

use client::{SignUp, SignUpError};
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use protocol::{Username, limits::MAX_EMAIL_BYTES, password};
use zeroize::Zeroizing;

use crate::{
    browser,
    component::{
        form_error::FormError, needs_script::NeedsScript, opening::Opening, password_field::PasswordField,
        password_rules::PasswordRules, public_frame::PublicFrame, recovery_key_step::RecoveryKeyStep,
    },
    state::session::use_session,
};

/// The form; once there is an account, the step that cannot be skipped.
#[component]
pub fn Register() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    Effect::new(move || {
        if session.is_open() && session.recovery_key().with(Option::is_none) {
            let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
            navigate(&session.take_wanted(), options);
        }
    });
    Effect::new(move || {
        if session.recovery_key().with(Option::is_some) {
            request_animation_frame(|| {
                window().scroll_to_with_x_and_y(0.0, 0.0);
                browser::focus("recovery-key-title");
            });
        }
    });
    let recovery_key = move || {
        let (account, key, hints) =
            (session.account()?, session.recovery_key().get()?, session.draw_hints()?);
        let username = account.me().username.to_string();
        let confirmed = move |()| spawn_local(session.confirm_recovery_key());
        Some(view! { <RecoveryKeyStep username key hints on_confirm=confirmed /> })
    };
    view! {
        <Title text="Create an account" />
        <PublicFrame>
            {move || match recovery_key() {
                Some(step) => step.into_any(),
                None if session.is_open() => view! { <Opening out_of_reach=false /> }.into_any(),
                None => view! { <RegisterForm /> }.into_any(),
            }}
        </PublicFrame>
    }
}

#[component]
fn RegisterForm() -> impl IntoView {
    let session = use_session();
    let fields = Fields::default();
    let username = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let live = RwSignal::new(false);
    let busy = RwSignal::new(false);

    // What was typed or filled in before the page came alive.
    Effect::new(move || {
        username.set(value(fields.username));
        typed.set(value(fields.password));
        live.set(true);
    });

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let form = match fields.read() {
            Ok(form) => form,
            Err((field, text)) => {
                error.set(Some(text));
                return browser::focus(field);
            }
        };
        error.set(None);
        busy.set(true);
        spawn_local(async move {
            let result = session.sign_up(form).await;
            busy.set(false);
            if let Err(refused) = result {
                let field = match refused {
                    SignUpError::UsernameTaken => "username",
                    SignUpError::Password(_) => "password",
                    SignUpError::Interrupted(_) => "register",
                };
                error.set(Some(refused.to_string()));
                browser::focus(field);
            }
        });
    };

    view! {
        <form class="card card-narrow" method="post" on:submit=submit aria-labelledby="register-title">
            <div>
                <h1 id="register-title">"Create an account"</h1>
                <p class="lead">"Your keys are made here, in your browser."</p>
            </div>
            <NeedsScript />
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
                    aria-describedby="username-hint"
                    node_ref=fields.username
                    on:input:target=move |event| username.set(event.target().value())
                />
                <p id="username-hint" class="hint">
                    {move || {
                        username
                            .with(|name| match name.parse::<Username>() {
                                Err(refused) if !name.is_empty() => refused.to_string(),
                                _ => "3 to 32 letters, digits or . _ - · seen by everyone".to_owned(),
                            })
                    }}
                </p>
            </div>
            <PasswordField
                id="password"
                label="Password"
                autocomplete="new-password"
                node=fields.password
                on_input=move |text| typed.set(text)
                described_by="password-rules"
            />
            <PasswordRules id="password-rules" password=typed username=username />
            <PasswordField
                id="password-again"
                label="Password again"
                autocomplete="new-password"
                node=fields.password_again
            />
            <div class="field">
                <label for="email">"E-mail " <span class="hint">"(optional)"</span></label>
                <input
                    id="email"
                    name="email"
                    class="input"
                    type="email"
                    autocomplete="email"
                    aria-describedby="email-hint"
                    node_ref=fields.email
                />
                <p id="email-hint" class="hint">"For resetting a lost password, once this server can send mail. Not shown to others."</p>
            </div>
            <FormError text=error />
            <button
                id="register"
                type="submit"
                class="button button-primary button-wide"
                disabled=move || !live.get()
                aria-disabled=move || busy.get().then_some("true")
            >
                {move || if busy.get() { "Making your keys…" } else { "Create account" }}
            </button>
            <p class="hint">"Already here? " <a href="/login">"Sign in"</a></p>
        </form>
    }
}

#[derive(Clone, Copy, Default)]
struct Fields {
    username: NodeRef<html::Input>,
    password: NodeRef<html::Input>,
    password_again: NodeRef<html::Input>,
    email: NodeRef<html::Input>,
}

impl Fields {
    /// What was filled in, or the id of the field to mend and why.
    fn read(&self) -> Result<SignUp, (&'static str, String)> {
        let username: Username =
            value(self.username).trim().parse().map_err(|refused| ("username", format!("{refused}")))?;
        let password = Zeroizing::new(value(self.password));
        password::check(&password, Some(&username)).map_err(|refused| ("password", refused.to_string()))?;
        if *password != *Zeroizing::new(value(self.password_again)) {
            return Err(("password-again", "The two passwords are different: type them again".to_owned()));
        }
        let email = value(self.email).trim().to_owned();
        if email.len() > MAX_EMAIL_BYTES {
            return Err(("email", "This e-mail address is too long".to_owned()));
        }
        let email = (!email.is_empty()).then_some(email);
        Ok(SignUp { username, password, email, device_name: browser::device_name() })
    }
}

fn value(field: NodeRef<html::Input>) -> String {
    field.get_untracked().map(|input| input.value()).unwrap_or_default()
}

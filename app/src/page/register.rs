//! `/register`: a name, a password, then the recovery key.

use client::{Interruption, SignUp, SignUpError};
use crypto::one_time::InviteToken;
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use protocol::{
    Code, Username,
    email::EmailRefused,
    password,
    policy::{Registration, ServerPolicy},
};
use zeroize::Zeroizing;

use crate::{
    browser,
    component::{
        form_error::FormError, needs_script::NeedsScript, opening::Opening, password_field::PasswordField,
        password_rules::PasswordRules, public_frame::PublicFrame, recovery_key_step::RecoveryKeyStep,
        username_field::UsernameField,
    },
    state::{policy::use_policy, session::use_session},
};

/// The form; once there is an account, the step that cannot be skipped.
#[component]
pub fn Register() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    let policy = use_policy();
    let is_closed =
        Memo::new(move |_| policy.get().is_some_and(|policy| policy.registration == Registration::Closed));
    let invite = RwSignal::new(String::new());
    Effect::new(move || {
        // It stays in the address: a reload keeps it, and the server never sees it there.
        if let Some(token) = browser::fragment("invite") {
            invite.set(token.to_string());
        }
    });
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
                None if is_closed.get() => view! { <Closed /> }.into_any(),
                None => view! { <RegisterForm policy invite /> }.into_any(),
            }}
        </PublicFrame>
    }
}

#[component]
fn RegisterForm(
    /// What the server offers, as far as it is known.
    policy: ReadSignal<Option<ServerPolicy>>,
    /// The invitation, as it came with the address or was typed. It stays when the form is refused.
    invite: RwSignal<String>,
) -> impl IntoView {
    let session = use_session();
    let fields = Fields::default();
    let username = RwSignal::new(String::new());
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let live = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let was_asked = RwSignal::new(false);
    let asks_for_invite = Memo::new(move |_| {
        was_asked.get() || policy.get().is_some_and(|policy| policy.registration == Registration::Invite)
    });

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
        let form = match fields.read(&invite.read_untracked(), asks_for_invite.get_untracked()) {
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
                    SignUpError::Interrupted(Interruption::Refused(ref refusal))
                        if refusal.code == Code::InviteRequired =>
                    {
                        was_asked.set(true);
                        "invite"
                    }
                    SignUpError::Interrupted(_) => "register",
                };
                error.set(Some(refused.to_string()));
                request_animation_frame(move || browser::focus(field));
            }
        });
    };

    view! {
        <form class="card card-narrow" method="post" novalidate on:submit=submit aria-labelledby="register-title">
            <div>
                <h1 id="register-title">"Create an account"</h1>
                <p class="lead">"Your keys are made here, in your browser."</p>
            </div>
            <NeedsScript />
            <Show when=move || asks_for_invite.get()>
                <div class="field">
                    <label for="invite">"Invitation"</label>
                    <input
                        id="invite"
                        name="invite"
                        class="input"
                        type="text"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        required
                        aria-describedby="invite-hint"
                        prop:value=move || invite.get()
                        on:input:target=move |event| invite.set(event.target().value())
                    />
                    <p id="invite-hint" class="hint">"An account on this server takes an invitation: paste the link that you were given."</p>
                </div>
            </Show>
            <UsernameField
                node=fields.username
                on_input=move |text| username.set(text)
                hint=Signal::derive(move || {
                    username
                        .with(|name| match name.parse::<Username>() {
                            Err(refused) if !name.is_empty() => refused.to_string(),
                            _ => "3 to 32 letters, digits or . _ - · seen by everyone".to_owned(),
                        })
                })
            />
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
                <p id="email-hint" class="hint">
                    {move || {
                        if policy.get().is_some_and(|policy| !policy.mail) {
                            "This server does not send mail at the moment: it is kept for when it does. Not shown to others."
                        } else {
                            "Where the link goes when you forget your password. Not shown to others."
                        }
                    }}
                </p>
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
    fn read(&self, invite: &str, asks_for_invite: bool) -> Result<SignUp, (&'static str, String)> {
        let invite = match parse_invite(invite) {
            Err(_) if !asks_for_invite => None,
            Ok(None) if asks_for_invite => {
                return Err(("invite", Code::InviteRequired.message().to_owned()));
            }
            read => read.map_err(|text| ("invite", text.to_owned()))?,
        };
        let username: Username =
            value(self.username).trim().parse().map_err(|refused| ("username", format!("{refused}")))?;
        let password = Zeroizing::new(value(self.password));
        password::check(&password, Some(&username)).map_err(|refused| ("password", refused.to_string()))?;
        if *password != *Zeroizing::new(value(self.password_again)) {
            return Err(("password-again", "The two passwords are different: type them again".to_owned()));
        }
        let email = match value(self.email).trim() {
            "" => None,
            typed => Some(typed.parse().map_err(|refused: EmailRefused| ("email", refused.to_string()))?),
        };
        Ok(SignUp { username, password, email, invite, device_name: browser::device_name() })
    }
}

/// An invitation as it was pasted: the whole link, or what stands at its end.
fn parse_invite(typed: &str) -> Result<Option<InviteToken>, &'static str> {
    let token = typed.rsplit_once("invite=").map_or(typed, |(_, token)| token).trim();
    if token.is_empty() {
        return Ok(None);
    }
    let malformed = |_| "This is not an invitation: copy the whole link, up to its last letter";
    token.parse().map(Some).map_err(malformed)
}

fn value(field: NodeRef<html::Input>) -> String {
    field.get_untracked().map(|input| input.value()).unwrap_or_default()
}

#[component]
fn Closed() -> impl IntoView {
    view! {
        <section class="card card-narrow" aria-labelledby="closed-title">
            <h1 id="closed-title">"Create an account"</h1>
            <p class="notice" role="status">"This server takes no new accounts at the moment. Ask whoever runs it."</p>
            <p class="hint">"Already here? " <a href="/login">"Sign in"</a></p>
        </section>
    }
}

//! `/login`: the password, also when a page has to be unlocked again.

use client::SignIn;
use leptos::{ev, html, prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{NavigateOptions, hooks::use_navigate};
use protocol::Username;
use zeroize::Zeroizing;

use crate::{
    browser,
    component::{
        form_error::FormError, needs_script::NeedsScript, password_field::PasswordField,
        public_frame::PublicFrame,
    },
    state::session::{Standing, use_session},
};

/// The form.
#[component]
pub fn Login() -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    let username = NodeRef::<html::Input>::new();
    let password = NodeRef::<html::Input>::new();
    let error = RwSignal::new(None::<String>);
    let live = RwSignal::new(false);
    let busy = RwSignal::new(false);

    Effect::new(move || live.set(true));
    // Who is signed in already is led to where they wanted to go.
    Effect::new(move || {
        if session.is_open() {
            let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
            navigate(&session.take_wanted(), options);
        }
    });
    let reason = move || match session.standing() {
        Standing::Locked { reason, .. } => {
            Some(reason.unwrap_or("Enter your password to open your messages on this device."))
        }
        _ => None,
    };
    Effect::new(move || {
        if let (Standing::Locked { username: name, .. }, Some(input)) = (session.standing(), username.get())
            && input.value().is_empty()
        {
            input.set_value(name.as_str());
            browser::focus("password");
        }
    });

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let (Some(name_field), Some(password_field)) = (username.get_untracked(), password.get_untracked())
        else {
            return;
        };
        if busy.get_untracked() {
            return;
        }
        error.set(None);
        // A name that cannot exist is answered as one that does not.
        let Ok(name) = name_field.value().trim().parse::<Username>() else {
            error.set(Some("Wrong username or password".to_owned()));
            return;
        };
        busy.set(true);
        let form = SignIn {
            username: name,
            password: Zeroizing::new(password_field.value()),
            device_name: browser::device_name(),
        };
        spawn_local(async move {
            let result = session.sign_in(form).await;
            busy.set(false);
            if let Err(refused) = result {
                error.set(Some(refused.to_string()));
                browser::focus("password");
            }
        });
    };

    view! {
        <Title text="Sign in" />
        <PublicFrame>
            <form class="card card-narrow" method="post" on:submit=submit aria-labelledby="login-title">
                <h1 id="login-title">"Sign in"</h1>
                <NeedsScript />
                {move || reason().map(|reason| view! { <p class="notice" role="status">{reason}</p> })}
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
                        node_ref=username
                    />
                </div>
                <PasswordField id="password" label="Password" autocomplete="current-password" node=password />
                <FormError text=error />
                <button
                    type="submit"
                    class="button button-primary button-wide"
                    disabled=move || !live.get()
                    aria-disabled=move || busy.get().then_some("true")
                >
                    {move || if busy.get() { "Opening your messages…" } else { "Sign in" }}
                </button>
                <p class="hint">"No account yet? " <a href="/register">"Create an account"</a></p>
            </form>
        </PublicFrame>
    }
}

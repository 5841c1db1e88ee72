//! Where mails go.

use leptos::{html, prelude::*, task::spawn_local};
use protocol::EmailAddress;

use super::super::{Owner, focus_later};
use crate::{
    component::{
        confirm_form::{ConfirmForm, Typed},
        form_error::FormError,
        settings_part::{Done, SettingsPart},
    },
    state::policy::use_policy,
};

const TITLE: &str = "email-title";

/// Which form is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Change,
    Remove,
}

/// The address, a new one that waits to be confirmed, and what is mailed.
#[component]
pub fn EmailPart(
    /// Whose settings they are.
    owner: Owner,
) -> impl IntoView {
    let email = owner.profile.select(|profile| profile.email.clone());
    let pending = owner.profile.select(|profile| profile.pending_email.clone());
    let email = Memo::new(move |_| email.get().flatten().map(|address| address.as_str().to_owned()));
    let pending = Memo::new(move |_| pending.get().flatten().map(|address| address.as_str().to_owned()));
    let policy = use_policy();
    let sends_mail = Memo::new(move |_| policy.get().is_none_or(|policy| policy.mail));
    let form = RwSignal::new(None::<Form>);
    let done = RwSignal::new(None::<String>);
    let open = move |which: Form, field: &'static str| {
        done.set(None);
        form.set(Some(which));
        focus_later(field);
    };
    let close = Callback::new(move |()| {
        form.set(None);
        focus_later(TITLE);
    });
    let has_any = move || email.with(Option::is_some) || pending.with(Option::is_some);

    let buttons = move || {
        view! {
            <Show when=move || sends_mail.get() || has_any()>
                <div class="row">
                    <Show when=move || sends_mail.get()>
                        <button type="button" class="button" on:click=move |_| open(Form::Change, "new-email")>
                            {move || if has_any() { "Change address" } else { "Add an address" }}
                        </button>
                    </Show>
                    <Show when=has_any>
                        <button type="button" class="button" on:click=move |_| open(Form::Remove, "password")>
                            "Remove address"
                        </button>
                    </Show>
                </div>
            </Show>
        }
    };
    view! {
        <SettingsPart id=TITLE title="E-mail">
            {move || match email.get() {
                Some(address) => view! { <p class="settings-value long-word">{address}</p> }.into_any(),
                None => {
                    view! {
                        <p>"There is no address. Without one, a forgotten password cannot be reset by mail."</p>
                    }
                        .into_any()
                }
            }}
            {move || {
                pending
                    .get()
                    .map(|address| {
                        view! {
                            <p class="notice" role="status">
                                "We sent a mail to " <strong class="long-word">{address}</strong>
                                "; it counts once you followed the link."
                            </p>
                        }
                    })
            }}
            <Show when=move || !sends_mail.get()>
                <p class="hint">"This server sends no mail, so no address can be confirmed. Ask whoever runs it."</p>
            </Show>
            {move || match form.get() {
                None => buttons().into_any(),
                Some(Form::Change) => view! { <ChangeForm owner done close /> }.into_any(),
                Some(Form::Remove) => view! { <RemoveForm owner done close /> }.into_any(),
            }}
            <Done text=done />
            <Show when=move || email.with(Option::is_some)>
                <LoginMails owner />
            </Show>
        </SettingsPart>
    }
}

#[component]
fn ChangeForm(owner: Owner, done: RwSignal<Option<String>>, close: Callback<()>) -> impl IntoView {
    let attempt = owner.attempt();
    let field = NodeRef::<html::Input>::new();
    let on_confirm = move |typed: Typed| {
        let written = field.get_untracked().map(|input| input.value()).unwrap_or_default();
        let address = match written.trim().parse::<EmailAddress>() {
            Ok(address) => address,
            Err(refused) => return attempt.refuse("new-email", refused.to_string()),
        };
        let account = owner.account();
        attempt.make(
            typed,
            move |confirmation| async move { account.change_email(&confirmation, Some(address)).await },
            move |()| {
                owner.profile.load();
                close.run(());
            },
        );
        done.set(None);
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="Change the e-mail address"
            action="Send the mail"
            doing="Sending…"
            on_confirm
            on_cancel=close
        >
            <div class="field">
                <label for="new-email">"New address"</label>
                <input
                    id="new-email"
                    name="email"
                    class="input"
                    type="email"
                    autocomplete="email"
                    required
                    aria-describedby="new-email-hint"
                    node_ref=field
                />
                <p id="new-email-hint" class="hint">
                    "A mail with a link goes there. Until you follow it, everything stays as it is."
                </p>
            </div>
        </ConfirmForm>
    }
}

#[component]
fn RemoveForm(owner: Owner, done: RwSignal<Option<String>>, close: Callback<()>) -> impl IntoView {
    let attempt = owner.attempt();
    let on_confirm = move |typed: Typed| {
        let account = owner.account();
        attempt.make(
            typed,
            move |confirmation| async move { account.change_email(&confirmation, None).await },
            move |()| {
                owner.profile.load();
                close.run(());
                let _ = done.try_set(Some("Your address is removed.".to_owned()));
            },
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="Remove the e-mail address"
            action="Remove the address"
            doing="Removing…"
            danger=true
            on_confirm
            on_cancel=close
        >
            <p>"Without an address, a forgotten password cannot be reset by mail, and nothing is mailed to you."</p>
        </ConfirmForm>
    }
}

/// The switch for mails about new sign-ins.
#[component]
fn LoginMails(owner: Owner) -> impl IntoView {
    let stands = owner.profile.select(|profile| profile.login_mails);
    let wanted = RwSignal::new(None::<bool>);
    let error = RwSignal::new(None::<String>);
    let checked = move || wanted.get().or(stands.get()).unwrap_or_default();
    let switch = move |on: bool| {
        error.set(None);
        wanted.set(Some(on));
        let account = owner.account();
        spawn_local(async move {
            let result = account.set_login_mails(on).await;
            if let Err(refused) = result {
                let _ = error.try_set(Some(refused.to_string()));
                let _ = wanted.try_set(None);
            }
            owner.profile.load();
        });
    };
    view! {
        <label class="switch" for="login-mails">
            <span>
                "Mail me about new sign-ins"
                <span class="hint">"Whenever somebody signs in with your password."</span>
            </span>
            <input
                id="login-mails"
                type="checkbox"
                role="switch"
                prop:checked=checked
                on:change:target=move |event| switch(event.target().checked())
            />
        </label>
        <FormError text=error />
    }
}

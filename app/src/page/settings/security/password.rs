//! Another password.

use leptos::{html, prelude::*};
use protocol::password;
use zeroize::Zeroizing;

use super::{
    super::{Owner, focus_later},
    Form, OpenForm,
};
use crate::component::{
    confirm_form::{ConfirmForm, Typed},
    password_field::PasswordField,
    password_rules::PasswordRules,
    settings_part::{Done, SettingsPart},
};

const TITLE: &str = "password-title";

/// What changing it means; then the form.
#[component]
pub fn PasswordPart(
    /// Whose settings they are.
    owner: Owner,
    /// The form that is open.
    form: OpenForm,
) -> impl IntoView {
    let done = RwSignal::new(None::<String>);
    let show = move |_| {
        done.set(None);
        form.set(Some(Form::Password));
        focus_later("new-password");
    };
    view! {
        <SettingsPart id=TITLE title="Password">
            <p class="hint">
                "It opens your messages on every device. When you change it, all other sessions end, and everything stays readable."
            </p>
            <Show
                when=move || form.get() == Some(Form::Password)
                fallback=move || {
                    view! {
                        <div class="row">
                            <button type="button" class="button" on:click=show>"Change password"</button>
                        </div>
                    }
                }
            >
                <PasswordForm owner form done />
            </Show>
            <Done text=done />
        </SettingsPart>
    }
}

#[component]
fn PasswordForm(owner: Owner, form: OpenForm, done: RwSignal<Option<String>>) -> impl IntoView {
    let attempt = owner.attempt();
    let typed_new = RwSignal::new(String::new());
    let new = NodeRef::<html::Input>::new();
    let again = NodeRef::<html::Input>::new();
    let close = move |()| {
        form.set(None);
        focus_later(TITLE);
    };
    let on_confirm = move |typed: Typed| {
        let value = |field: NodeRef<html::Input>| {
            Zeroizing::new(field.get_untracked().map(|input| input.value()).unwrap_or_default())
        };
        let account = owner.account();
        let (new, again) = (value(new), value(again));
        if let Err(refused) = password::check(&new, Some(&account.me().username)) {
            return attempt.refuse("new-password", refused.to_string());
        }
        if *new != *again {
            return attempt
                .refuse("new-password-again", "The two new passwords are different: type them again");
        }
        attempt.make(
            typed,
            move |confirmation| async move { account.change_password(&confirmation, &new).await },
            move |()| {
                close(());
                let _ = done.try_set(Some(
                    "Your new password counts from now on. All other sessions have ended.".to_owned(),
                ));
            },
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="Change password"
            action="Change password"
            doing="Sealing your keys anew…"
            password_label="Current password"
            on_confirm
            on_cancel=close
        >
            <PasswordField
                id="new-password"
                label="New password"
                autocomplete="new-password"
                node=new
                on_input=move |text| typed_new.set(text)
                described_by="password-rules"
            />
            <PasswordRules id="password-rules" password=typed_new username=Signal::stored(owner.username()) />
            <PasswordField id="new-password-again" label="New password again" autocomplete="new-password" node=again />
        </ConfirmForm>
    }
}

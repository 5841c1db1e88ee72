//! The new password, and everything that is asked for with it.

use std::rc::Rc;

use client::{KeysAfterReset, Reset, ResetError};
use leptos::{ev, html, prelude::*, task::spawn_local};
use protocol::{password, second_factor::SecondFactorCode};
use zeroize::Zeroizing;

use super::{
    Step, Steps,
    keys::{Choice, KeysFields, KeysPart},
    show_from_the_top,
};
use crate::{
    browser::{self, Device},
    component::{
        code_field::CodeField,
        form_error::FormError,
        icon::{Icon, Sign},
        password_field::PasswordField,
        password_rules::PasswordRules,
        username_field::SettledUsername,
    },
    state::session::use_session,
};

/// The fields that are read when the form is sent.
#[derive(Clone, Copy)]
struct Fields {
    password: NodeRef<html::Input>,
    password_again: NodeRef<html::Input>,
    code: NodeRef<html::Input>,
    keys: KeysPart,
}

/// What was filled in.
struct Filled {
    password: Zeroizing<String>,
    code: Option<SecondFactorCode>,
    keys: KeysAfterReset,
}

/// The form.
#[component]
pub fn ResetForm(
    /// The token that was checked.
    reset: Rc<Reset<Device>>,
    /// Where the page stands.
    step: Steps,
    /// Where the token turns out to be good no more.
    token_error: RwSignal<Option<String>>,
) -> impl IntoView {
    let session = use_session();
    let name = reset.username().to_string();
    let asks_for_code = RwSignal::new(reset.second_factor());
    let keys = KeysPart::new(Rc::clone(&reset));
    let reset = StoredValue::new_local(reset);
    let fields =
        Fields { password: NodeRef::new(), password_again: NodeRef::new(), code: NodeRef::new(), keys };
    let typed = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    show_from_the_top("reset-title");

    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let reset = reset.get_value();
        let Filled { password, code, keys } = match fields.read(&reset, asks_for_code.get_untracked()) {
            Ok(filled) => filled,
            Err((field, text)) => {
                error.set(Some(text));
                return browser::focus(field);
            }
        };
        error.set(None);
        busy.set(true);
        spawn_local(async move {
            let result = session.reset_password(&reset, &password, code, keys).await;
            // The page may have been left meanwhile.
            let _ = busy.try_set(false);
            let refused = match result {
                Ok(redeemed) => {
                    let username = redeemed.username.clone();
                    let _ = step.try_set(match redeemed.fresh {
                        Some(_) => Step::KeepKey(Rc::new(redeemed)),
                        None => Step::Done { username, kept: true },
                    });
                    return;
                }
                Err(refused) => refused,
            };
            let field = match refused {
                ResetError::Token(text) => {
                    token_error.set(Some(text));
                    return step.set(Step::Token);
                }
                ResetError::SecondFactorRequired => {
                    asks_for_code.set(true);
                    "code"
                }
                ResetError::WrongCode => "code",
                ResetError::Password(_) => "password",
                ResetError::Vault(_) | ResetError::Interrupted(_) => "reset",
            };
            let _ = error.try_set(Some(refused.to_string()));
            request_animation_frame(move || browser::focus(field));
        });
    };
    let begins_anew = move || keys.choice.get() == Choice::Nothing && !keys.open_here.get();

    view! {
        <form class="card card-wide" method="post" novalidate on:submit=submit aria-labelledby="reset-title">
            <div>
                <h1 id="reset-title" tabindex="-1">"Set a new password"</h1>
                <p class="lead">"For the account " <strong>{name.clone()}</strong></p>
            </div>
            <ul class="reset-facts">
                <Fact sign=Sign::Done>"You get in again, with the new password. Every session ends."</Fact>
                <Fact sign=Sign::People>"Your contacts and groups stay."</Fact>
                <Fact sign=Sign::Seal>
                    "Older messages open only with your recovery key, or when you open this link in a browser that is signed in."
                </Fact>
            </ul>
            <KeysFields part=keys />
            <SettledUsername name=name.clone() />
            <PasswordField
                id="password"
                label="New password"
                autocomplete="new-password"
                node=fields.password
                on_input=move |text| typed.set(text)
                described_by="password-rules"
            />
            <PasswordRules id="password-rules" password=typed username=Signal::stored(name) />
            <PasswordField
                id="password-again"
                label="New password again"
                autocomplete="new-password"
                node=fields.password_again
            />
            <Show when=move || asks_for_code.get()>
                <CodeField node=fields.code />
            </Show>
            <FormError text=error />
            <button
                id="reset"
                type="submit"
                class="button button-wide"
                class:button-primary=move || !begins_anew()
                class:button-danger=begins_anew
                aria-disabled=move || busy.get().then_some("true")
            >
                {move || match (busy.get(), begins_anew()) {
                    (true, _) => "Setting the new password…",
                    (false, false) => "Set the new password",
                    (false, true) => "Begin anew with the new password",
                }}
            </button>
        </form>
    }
}

#[component]
fn Fact(sign: Sign, children: Children) -> impl IntoView {
    view! {
        <li>
            <Icon sign />
            <span>{children()}</span>
        </li>
    }
}

impl Fields {
    /// What was filled in, or the id of the field to mend and why. What can be wrong here is said before anything is sent.
    fn read(self, reset: &Reset<Device>, asks_for_code: bool) -> Result<Filled, (&'static str, String)> {
        let keys = self.keys.read().map_err(|text| ("recovery-key", text))?;
        let password = Zeroizing::new(value(self.password));
        let checked = password::check(&password, Some(reset.username()));
        checked.map_err(|refused| ("password", refused.to_string()))?;
        if *password != *Zeroizing::new(value(self.password_again)) {
            return Err(("password-again", "The two passwords are different: type them again".to_owned()));
        }
        let code = match asks_for_code {
            true => Some(value(self.code).parse().map_err(|refused| ("code", format!("{refused}")))?),
            false => None,
        };
        Ok(Filled { password, code, keys })
    }
}

fn value(field: NodeRef<html::Input>) -> String {
    field.get_untracked().map(|input| input.value()).unwrap_or_default()
}

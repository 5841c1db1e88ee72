//! What becomes of the keys, and with them of what was written.

use std::rc::Rc;

use client::{KeysAfterReset, Reset};
use leptos::{html, prelude::*};

use crate::{
    browser::Device,
    component::{
        icon::{Icon, Sign},
        recovery_key_field::RecoveryKeyField,
    },
    state::session::{Session, use_session},
};

/// What the person at the page has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The recovery key.
    #[default]
    RecoveryKey,
    /// Nothing: the account begins anew.
    Nothing,
}

/// The part of the form that is about the keys.
#[derive(Clone, Copy)]
pub struct KeysPart {
    session: Session,
    reset: StoredValue<Rc<Reset<Device>>, LocalStorage>,
    /// What the person at the page has.
    pub choice: RwSignal<Choice>,
    field: NodeRef<html::Textarea>,
    /// Whether this very browser is signed in as the account, and open.
    pub open_here: Memo<bool>,
}

impl KeysPart {
    /// For this account.
    pub fn new(reset: Rc<Reset<Device>>) -> Self {
        let session = use_session();
        let account = reset.account();
        let open_here =
            move |_: Option<&bool>| session.account().is_some_and(|open| open.me().account == account);
        Self {
            session,
            reset: StoredValue::new_local(reset),
            choice: RwSignal::default(),
            field: NodeRef::new(),
            open_here: Memo::new(open_here),
        }
    }

    /// What was chosen.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(self) -> Result<KeysAfterReset, String> {
        if self.open_here.get_untracked()
            && let Some(open) = untrack(|| self.session.account())
        {
            return Ok(KeysAfterReset::Keep(open.account_key().clone()));
        }
        match self.choice.get_untracked() {
            Choice::Nothing => Ok(KeysAfterReset::Lose),
            Choice::RecoveryKey => {
                let typed = self.field.get_untracked().map(|field| field.value()).unwrap_or_default();
                if typed.trim().is_empty() {
                    return Err("Type your recovery key, or choose that you do not have it".to_owned());
                }
                let opened = self.reset.read_value().open_with_recovery_key(&typed);
                opened.map(KeysAfterReset::Keep).map_err(|refused| refused.to_string())
            }
        }
    }
}

/// Says what stays; asks for the recovery key, or for the word that there is none.
#[component]
pub fn KeysFields(
    /// The part of the form that they fill.
    part: KeysPart,
) -> impl IntoView {
    let KeysPart { reset, choice, field, open_here, .. } = part;
    let opens = RwSignal::new(false);
    let hint = Signal::derive(move || {
        if opens.get() {
            "This is the recovery key of this account: everything stays readable."
        } else {
            "11 groups of 4 letters and digits. It stays in this browser."
        }
    });
    let on_input = move |typed: String| {
        opens.set(reset.read_value().open_with_recovery_key(&typed).is_ok());
    };
    let radio = move |id: &'static str, value: Choice, text: &'static str| {
        view! {
            <label class="choice" for=id>
                <input
                    id=id
                    type="radio"
                    name="keys"
                    prop:checked=move || choice.get() == value
                    on:change=move |_| choice.set(value)
                />
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <Show
            when=move || !open_here.get()
            fallback=|| {
                view! {
                    <p class="notice" role="status">
                        "This browser is signed in to this account: your messages stay readable, and no recovery key is needed."
                    </p>
                }
            }
        >
            <fieldset class="reset-keys">
                <legend>"Your older messages"</legend>
                {radio("keys-recovery", Choice::RecoveryKey, "I have my recovery key")}
                <Show when=move || choice.get() == Choice::RecoveryKey>
                    <RecoveryKeyField node=field on_input hint />
                </Show>
                {radio("keys-nothing", Choice::Nothing, "I do not have my recovery key")}
                <Show when=move || choice.get() == Choice::Nothing>
                    <div class="notice notice-danger reset-warning" role="alert">
                        <p class="row">
                            <Icon sign=Sign::Warning />
                            <strong>"You begin anew"</strong>
                        </p>
                        <ul>
                            <li>"You get new keys, and a new recovery key to keep."</li>
                            <li>"Your contacts are warned that your key has changed, and have to accept it."</li>
                            <li>
                                "Older messages stay sealed until your old password or your recovery key opens them, in Settings."
                            </li>
                        </ul>
                    </div>
                </Show>
            </fieldset>
        </Show>
    }
}

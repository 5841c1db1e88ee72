//! A change that takes the password, and a code where the second factor is on.

use std::future::Future;

use client::{Confirmation, SettingsError};
use leptos::{ev, html, prelude::*, task::spawn_local};
use zeroize::Zeroizing;

use super::{
    code_field::CodeField, form_error::FormError, password_field::PasswordField,
    username_field::SettledUsername,
};
use crate::browser;

/// One change, from its form to its answer. Copies are the same change.
#[derive(Clone, Copy)]
pub struct Attempt {
    error: RwSignal<Option<String>>,
    busy: RwSignal<bool>,
    asks_for_code: RwSignal<bool>,
}

/// What was typed to confirm a change.
#[derive(Clone)]
pub struct Typed {
    password: Zeroizing<String>,
    /// `None` while no code is asked for.
    code: Option<Zeroizing<String>>,
}

impl Attempt {
    /// A change that has not been tried yet.
    pub fn new(second_factor: bool) -> Self {
        Self {
            error: RwSignal::new(None),
            busy: RwSignal::new(false),
            asks_for_code: RwSignal::new(second_factor),
        }
    }

    /// Whether it is under way.
    pub fn busy(self) -> bool {
        self.busy.get()
    }

    /// What went wrong.
    pub fn error(self) -> ReadSignal<Option<String>> {
        self.error.read_only()
    }

    /// Says what is wrong, and moves to the field that mends it.
    pub fn refuse(self, field: &'static str, text: impl Into<String>) {
        // The page may have been left meanwhile.
        let _ = self.error.try_set(Some(text.into()));
        request_animation_frame(move || browser::focus(field));
    }

    /// Makes the change with what was typed. What goes wrong is said in the form.
    pub fn make<T, F>(
        self,
        typed: Typed,
        change: impl FnOnce(Confirmation) -> F + 'static,
        done: impl FnOnce(T) + 'static,
    ) where
        F: Future<Output = Result<T, SettingsError>> + 'static,
    {
        let Typed { password, code } = typed;
        if password.is_empty() {
            return self.refuse("password", "Enter your password");
        }
        let code = match code.map(|code| code.parse()).transpose() {
            Ok(code) => code,
            Err(refused) => return self.refuse("code", format!("{refused}")),
        };
        self.go(change(Confirmation { password, code }), done);
    }

    /// Makes a change that takes no password.
    pub fn go<T>(
        self,
        change: impl Future<Output = Result<T, SettingsError>> + 'static,
        done: impl FnOnce(T) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        self.error.set(None);
        self.busy.set(true);
        spawn_local(async move {
            let result = change.await;
            // The page may have been left meanwhile.
            let _ = self.busy.try_set(false);
            let refused = match result {
                Ok(answer) => return done(answer),
                Err(refused) => refused,
            };
            let field = match refused {
                SettingsError::WrongPassword => "password",
                SettingsError::WrongCode => "code",
                SettingsError::SecondFactorRequired => {
                    let _ = self.asks_for_code.try_set(true);
                    "code"
                }
                SettingsError::Password(_) => "new-password",
                SettingsError::WeakerProtection | SettingsError::Interrupted(_) => "confirm",
            };
            self.refuse(field, refused.to_string());
        });
    }
}

/// The form: what is changed, then who asks for it.
#[component]
pub fn ConfirmForm(
    /// The change.
    attempt: Attempt,
    /// Whose password it is, for password managers.
    #[prop(into)]
    username: String,
    /// What the form is called by screen readers.
    label: &'static str,
    /// What stands on its button.
    action: &'static str,
    /// And while the change is under way.
    doing: &'static str,
    /// Whether what it does cannot be taken back.
    #[prop(optional)]
    danger: bool,
    /// What the password is called, where there is a new one beside.
    #[prop(default = "Password")]
    password_label: &'static str,
    /// Called with what was typed.
    #[prop(into)]
    on_confirm: Callback<Typed>,
    /// Puts the form away.
    #[prop(into)]
    on_cancel: Callback<()>,
    /// The fields of what is changed.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let password = NodeRef::<html::Input>::new();
    let code = NodeRef::<html::Input>::new();
    let Attempt { error, busy, asks_for_code } = attempt;
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let value = |field: NodeRef<html::Input>| {
            Zeroizing::new(field.get_untracked().map(|input| input.value()).unwrap_or_default())
        };
        if !busy.get_untracked() {
            let code = asks_for_code.get_untracked().then(|| value(code));
            on_confirm.run(Typed { password: value(password), code });
        }
    };
    view! {
        <form
            class="confirm-form"
            method="post"
            novalidate
            aria-label=label
            on:submit=submit
            on:keydown=move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" && !busy.get_untracked() {
                    event.stop_propagation();
                    on_cancel.run(());
                }
            }
        >
            <SettledUsername name=username />
            {children.map(|children| children())}
            <PasswordField id="password" label=password_label autocomplete="current-password" node=password />
            <Show when=move || asks_for_code.get()>
                <CodeField node=code />
            </Show>
            <FormError text=error />
            <div class="row">
                <button
                    id="confirm"
                    type="submit"
                    class="button"
                    class:button-danger=danger
                    class:button-primary=!danger
                    aria-disabled=move || busy.get().then_some("true")
                >
                    {move || if busy.get() { doing } else { action }}
                </button>
                <button type="button" class="button button-quiet" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

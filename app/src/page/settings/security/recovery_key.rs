//! The recovery key: tested, and made anew.

use client::{NewRecoveryKey, RecoveryKeyRefused};
use crypto::recovery::RecoveryKeyHint;
use leptos::{ev, html, prelude::*, task::spawn_local};

use super::{
    super::{Owner, focus_later},
    Form, OpenForm,
};
use crate::{
    browser,
    component::{
        confirm_form::{ConfirmForm, Typed},
        form_error::FormError,
        recovery_key_field::RecoveryKeyField,
        recovery_key_step::RecoveryKeyStep,
        settings_part::{Done, SettingsPart},
    },
    state::session::use_session,
};

const TITLE: &str = "key-title";

/// When it was made, and the ways to test it and to make another.
#[component]
pub fn RecoveryKeyPart(
    /// Whose settings they are.
    owner: Owner,
    /// The form that is open.
    form: OpenForm,
) -> impl IntoView {
    let made = owner.profile.select(|profile| profile.recovery_key_made_at_ms);
    let done = RwSignal::new(None::<String>);
    let open = move |which: Form, focused: &'static str| {
        done.set(None);
        form.set(Some(which));
        focus_later(focused);
    };
    let close = Callback::new(move |()| {
        form.set(None);
        focus_later(TITLE);
    });
    let since = move || {
        made.get().map(browser::moment).map(|moment| {
            view! { <time datetime=moment.iso>{moment.long_day}</time> }
        })
    };
    view! {
        <SettingsPart id=TITLE title="Recovery key">
            <p class="hint">
                "44 characters that keep your messages when you lose your password. Yours was made on " {since} "."
            </p>
            {move || match form.get() {
                Some(Form::TestKey) => view! { <TestForm owner done close /> }.into_any(),
                Some(Form::NewKey) => view! { <NewKey owner done close /> }.into_any(),
                _ => {
                    view! {
                        <div class="row">
                            <button type="button" class="button" on:click=move |_| open(Form::TestKey, "recovery-key")>
                                "Test my recovery key"
                            </button>
                            <button
                                type="button"
                                class="button"
                                on:click=move |_| open(Form::NewKey, "recovery-key-title")
                            >
                                "Make a new recovery key"
                            </button>
                        </div>
                    }
                        .into_any()
                }
            }}
            <Done text=done />
        </SettingsPart>
    }
}

#[component]
fn TestForm(owner: Owner, done: RwSignal<Option<String>>, close: Callback<()>) -> impl IntoView {
    let field = NodeRef::<html::Textarea>::new();
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        error.set(None);
        busy.set(true);
        let typed = field.get_untracked().map(|field| field.value()).unwrap_or_default();
        let account = owner.account();
        spawn_local(async move {
            let tested: Result<(), RecoveryKeyRefused> = account.test_recovery_key(&typed).await;
            // The page may have been left meanwhile.
            let _ = busy.try_set(false);
            match tested {
                Ok(()) => {
                    let _ = done.try_set(Some(
                        "This is your recovery key: it opens your messages. Keep it where it is.".to_owned(),
                    ));
                    close.run(());
                }
                Err(refused) => {
                    let _ = error.try_set(Some(refused.to_string()));
                    focus_later("recovery-key");
                }
            }
        });
    };
    view! {
        <form class="confirm-form" method="post" novalidate aria-label="Test my recovery key" on:submit=submit>
            <RecoveryKeyField node=field hint=Signal::stored("11 groups of 4 letters and digits. It stays in this browser.") />
            <FormError text=error />
            <div class="row">
                <button
                    type="submit"
                    class="button button-primary"
                    aria-disabled=move || busy.get().then_some("true")
                >
                    "Test"
                </button>
                <button type="button" class="button button-quiet" on:click=move |_| close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

/// The new key is shown and typed back; then the password puts it in the place of the old one.
#[component]
fn NewKey(owner: Owner, done: RwSignal<Option<String>>, close: Callback<()>) -> impl IntoView {
    let session = use_session();
    let new = StoredValue::new_local(owner.account().draw_recovery_key());
    let hints: Option<[RecoveryKeyHint; 2]> = session.draw_hints();
    let has_it = RwSignal::new(false);
    let kept = move |()| {
        has_it.set(true);
        focus_later("password");
    };
    view! {
        <p class="notice">"Your old recovery key counts until you have confirmed the new one with your password."</p>
        {move || match (has_it.get(), hints) {
            (false, Some(hints)) => {
                let key = new.with_value(|new: &NewRecoveryKey| new.key().clone());
                view! {
                    <RecoveryKeyStep
                        username=owner.username()
                        key
                        hints
                        within=true
                        confirm_label="Continue"
                        on_confirm=kept
                    />
                    <div class="row no-print">
                        <button type="button" class="button" on:click=move |_| close.run(())>
                            "Keep the old one"
                        </button>
                    </div>
                }
                    .into_any()
            }
            _ => view! { <ConfirmKey owner new done close /> }.into_any(),
        }}
    }
}

#[component]
fn ConfirmKey(
    owner: Owner,
    new: StoredValue<NewRecoveryKey, LocalStorage>,
    done: RwSignal<Option<String>>,
    close: Callback<()>,
) -> impl IntoView {
    let attempt = owner.attempt();
    let on_confirm = move |typed: Typed| {
        let (account, new) = (owner.account(), new.get_value());
        attempt.make(
            typed,
            move |confirmation| async move { account.change_recovery_key(&confirmation, &new).await },
            move |()| {
                owner.profile.load();
                close.run(());
                let _ = done.try_set(Some(
                    "Your new recovery key counts from now on. The old one opens nothing any more: throw it away."
                        .to_owned(),
                ));
            },
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=owner.username()
            label="Confirm the new recovery key"
            action="Use the new recovery key"
            doing="Sealing your keys anew…"
            on_confirm
            on_cancel=close
        />
    }
}

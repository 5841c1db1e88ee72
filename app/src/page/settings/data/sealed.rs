//! Messages from before a reset.

use client::{SealedVaultError, SealedVaultOpener};
use leptos::{ev, html, prelude::*, task::spawn_local};
use protocol::profile::SealedVault;
use zeroize::Zeroizing;

use super::super::{Owner, focus_later};
use crate::{
    browser,
    component::{
        form_error::FormError,
        password_field::PasswordField,
        recovery_key_field::RecoveryKeyField,
        settings_part::{Done, SettingsPart},
    },
};

const TITLE: &str = "sealed-title";

/// What opens them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Opener {
    #[default]
    Password,
    RecoveryKey,
}

/// One form for each vault that a reset put away; nothing where there is none.
#[component]
pub fn SealedPart(
    /// Whose settings they are.
    owner: Owner,
) -> impl IntoView {
    let vaults = owner.profile.select(|profile| profile.sealed_vaults.clone());
    let vaults = Memo::new(move |_| vaults.get().unwrap_or_default());
    let done = RwSignal::new(None::<String>);
    // One form at a time: its fields have names of their own.
    let open = RwSignal::new(None::<u32>);
    let is_shown = move || vaults.with(|vaults| !vaults.is_empty()) || done.with(Option::is_some);
    view! {
        <Show when=is_shown>
            <SettingsPart id=TITLE title="Sealed messages">
                <For each=move || vaults.get() key=|vault| vault.number let:vault>
                    <Vault owner vault open done />
                </For>
                <Done text=done />
            </SettingsPart>
        </Show>
    }
}

#[component]
fn Vault(
    owner: Owner,
    vault: SealedVault,
    open: RwSignal<Option<u32>>,
    done: RwSignal<Option<String>>,
) -> impl IntoView {
    let number = vault.number;
    let sealed = browser::moment(vault.sealed_at_ms);
    let show = move |_| {
        done.set(None);
        open.set(Some(number));
        focus_later("old-password");
    };
    let vault = StoredValue::new(vault);
    view! {
        <div class="sealed-vault">
            <p>
                "Messages from before your reset on " <time datetime=sealed.iso>{sealed.long_day}</time>
                " are sealed. Your old password or your old recovery key opens them."
            </p>
            <Show
                when=move || open.get() == Some(number)
                fallback=move || {
                    view! {
                        <div class="row">
                            <button type="button" class="button" on:click=show>"Open them"</button>
                        </div>
                    }
                }
            >
                <OpenForm owner vault=vault.get_value() open done />
            </Show>
        </div>
    }
}

#[component]
fn OpenForm(
    owner: Owner,
    vault: SealedVault,
    open: RwSignal<Option<u32>>,
    done: RwSignal<Option<String>>,
) -> impl IntoView {
    let opener = RwSignal::new(Opener::default());
    let password = NodeRef::<html::Input>::new();
    let key = NodeRef::<html::Textarea>::new();
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let close = move || {
        open.set(None);
        focus_later(TITLE);
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let (field, with) = match opener.get_untracked() {
            Opener::Password => {
                let typed = password.get_untracked().map(|input| input.value()).unwrap_or_default();
                ("old-password", SealedVaultOpener::Password(Zeroizing::new(typed)))
            }
            Opener::RecoveryKey => {
                let typed = key.get_untracked().map(|field| field.value()).unwrap_or_default();
                ("recovery-key", SealedVaultOpener::RecoveryKey(Zeroizing::new(typed)))
            }
        };
        error.set(None);
        busy.set(true);
        let (account, vault) = (owner.account(), vault.clone());
        spawn_local(async move {
            let opened: Result<usize, SealedVaultError> = account.open_sealed_vault(&vault, &with).await;
            // The page may have been left meanwhile.
            let _ = busy.try_set(false);
            match opened {
                Ok(count) => {
                    let _ = done.try_set(Some(words_for(count)));
                    owner.profile.load();
                    close();
                }
                Err(refused) => {
                    let _ = error.try_set(Some(refused.to_string()));
                    focus_later(field);
                }
            }
        });
    };
    let radio = move |id: &'static str, value: Opener, text: &'static str| {
        view! {
            <label class="choice" for=id>
                <input
                    id=id
                    type="radio"
                    name="opener"
                    prop:checked=move || opener.get() == value
                    on:change=move |_| opener.set(value)
                />
                <span>{text}</span>
            </label>
        }
    };
    view! {
        <form class="confirm-form" method="post" novalidate aria-label="Open sealed messages" on:submit=submit>
            <fieldset>
                <legend class="visually-hidden">"What opens them"</legend>
                {radio("opener-password", Opener::Password, "The password that I had before the reset")}
                {radio("opener-key", Opener::RecoveryKey, "The recovery key that I had before the reset")}
            </fieldset>
            {move || match opener.get() {
                Opener::Password => {
                    view! { <PasswordField id="old-password" label="Old password" autocomplete="off" node=password /> }
                        .into_any()
                }
                Opener::RecoveryKey => {
                    view! {
                        <RecoveryKeyField
                            node=key
                            hint=Signal::stored("11 groups of 4 letters and digits. It stays in this browser.")
                        />
                    }
                        .into_any()
                }
            }}
            <FormError text=error />
            <div class="row">
                <button
                    type="submit"
                    class="button button-primary"
                    aria-disabled=move || busy.get().then_some("true")
                >
                    {move || if busy.get() { "Opening…" } else { "Open" }}
                </button>
                <button type="button" class="button button-quiet" on:click=move |_| close()>"Cancel"</button>
            </div>
        </form>
    }
}

fn words_for(count: usize) -> String {
    match count {
        0 => "Opened. No message waited for these keys.".to_owned(),
        1 => "Opened: 1 message is readable again.".to_owned(),
        many => format!("Opened: {many} messages are readable again."),
    }
}

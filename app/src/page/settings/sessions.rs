//! `/settings/sessions`: where the account is signed in, and when this browser locks.

use client::{Account, Interruption};
use leptos::{prelude::*, task::spawn_local};
use protocol::{SessionId, session::SessionInfo};

use super::{Owner, SettingsPage, focus_later};
use crate::{
    browser::Device,
    component::{
        auto_lock_field::AutoLockField,
        form_error::FormError,
        session_list::SessionList,
        settings_part::{Done, SettingsPart},
    },
    state::session::use_session,
};

const TITLE: &str = "sessions-title";

/// The page.
#[component]
pub fn SessionsSettings() -> impl IntoView {
    let content = |owner: Owner| {
        view! {
            <SessionsPart owner />
            <AutoLockPart />
        }
        .into_any()
    };
    view! { <SettingsPage title="Sessions" content /> }
}

/// What is known of the sessions, and what is being done with them.
#[derive(Clone, Copy)]
struct Sessions {
    owner: Owner,
    all: RwSignal<Vec<SessionInfo>>,
    ending: RwSignal<Vec<SessionId>>,
    done: RwSignal<Option<String>>,
    error: RwSignal<Option<String>>,
}

#[component]
fn SessionsPart(owner: Owner) -> impl IntoView {
    let sessions = Sessions {
        owner,
        all: RwSignal::new(Vec::new()),
        ending: RwSignal::new(Vec::new()),
        done: RwSignal::new(None),
        error: RwSignal::new(None),
    };
    let new_sessions = use_session().new_sessions();
    Effect::new(move || {
        // One more has come: all of them are asked for again.
        new_sessions.track();
        sessions.load();
    });
    let others = Memo::new(move |_| sessions.all.with(|all| all.iter().filter(|one| !one.current).count()));
    view! {
        <SettingsPart id=TITLE title="Signed in on">
            <p class="hint">
                "Whoever is signed out locks at once, and what it writes counts no more. \
                 What that browser kept opens only with your password."
            </p>
            <SessionList
                sessions=sessions.all
                ending=sessions.ending
                on_end=move |one: SessionInfo| sessions.end(one)
            />
            <FormError text=sessions.error />
            <Done text=sessions.done />
            <Show when=move || { others.get() > 1 }>
                <div class="row">
                    <button type="button" class="button button-danger" on:click=move |_| sessions.end_others()>
                        "Sign out all others"
                    </button>
                </div>
            </Show>
        </SettingsPart>
    }
}

impl Sessions {
    fn load(self) {
        let account = self.owner.account();
        spawn_local(async move {
            match account.sessions().await {
                Ok(mut all) => {
                    // This one leads, the others stay in the order in which they were seen.
                    all.sort_by_key(|one| !one.current);
                    let _ = self.all.try_set(all);
                }
                Err(error) => self.failed(&error),
            }
        });
    }

    fn end(self, one: SessionInfo) {
        self.ending.update(|ending| ending.push(one.session));
        let name = one.device_name.clone();
        self.go(async move |account| {
            account.end_session(one.session).await?;
            Ok(format!("{name} was signed out."))
        });
    }

    fn end_others(self) {
        self.ending.set(self.all.get_untracked().iter().map(|one| one.session).collect());
        self.go(async |account| {
            Ok(match account.end_other_sessions().await? {
                1 => "1 other session was signed out.".to_owned(),
                many => format!("{many} other sessions were signed out."),
            })
        });
    }

    fn go(self, change: impl AsyncFnOnce(Account<Device>) -> Result<String, Interruption> + 'static) {
        self.error.set(None);
        self.done.set(None);
        let account = Account::clone(&self.owner.account());
        spawn_local(async move {
            match change(account).await {
                Ok(text) => {
                    let _ = self.done.try_set(Some(text));
                    // The button that had the focus goes away.
                    focus_later(TITLE);
                }
                Err(error) => self.failed(&error),
            }
            let _ = self.ending.try_set(Vec::new());
            self.load();
        });
    }

    fn failed(self, error: &Interruption) {
        // The page may have been left meanwhile.
        let _ = self.error.try_set(Some(error.to_string()));
    }
}

#[component]
fn AutoLockPart() -> impl IntoView {
    let session = use_session();
    view! {
        <SettingsPart id="auto-lock-title" title="Lock this browser">
            <p class="hint">
                "When nobody uses it for a while, its pages lock: your password opens them again. \
                 What waits to be sent stays."
            </p>
            <AutoLockField
                value=Signal::derive(move || session.auto_lock())
                on_choose=move |choice| session.set_auto_lock(choice)
            />
            <div class="row">
                <button type="button" class="button" on:click=move |_| session.lock_now()>"Lock now"</button>
            </div>
        </SettingsPart>
    }
}

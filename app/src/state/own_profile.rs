//! What the account knows of itself, as the settings show it.

use client::Interruption;
use leptos::{ev, prelude::*, task::spawn_local};
use protocol::profile::Profile;

use super::session::{OpenAccount, Session};

/// The profile of the open account; copies are the same. It outlasts the way from one page of the settings to another,
/// and not the open account.
#[derive(Clone, Copy)]
pub struct OwnProfile {
    session: Session,
    profile: RwSignal<Option<Profile>>,
    error: RwSignal<Option<String>>,
}

impl OwnProfile {
    /// Nothing is known yet.
    pub fn new(session: Session) -> Self {
        let own = Self { session, profile: RwSignal::new(None), error: RwSignal::new(None) };
        Effect::new(move || {
            if !session.is_open() {
                own.profile.set(None);
                own.error.set(None);
            }
        });
        own
    }

    /// What is known of it.
    pub fn get(self) -> Option<Profile> {
        self.profile.get()
    }

    /// One value of it, without becoming stale when only others change.
    pub fn select<T: PartialEq + Send + Sync + 'static>(self, read: fn(&Profile) -> T) -> Memo<Option<T>> {
        Memo::new(move |_| self.profile.with(|profile| profile.as_ref().map(read)))
    }

    /// Whether a code is asked for before a change.
    pub fn second_factor(self) -> bool {
        self.profile.with_untracked(|profile| {
            profile.as_ref().is_some_and(|profile| profile.second_factor_since_ms.is_some())
        })
    }

    /// Why nothing is known.
    pub fn error(self) -> ReadSignal<Option<String>> {
        self.error.read_only()
    }

    /// Asks the server; what was known stays until it has answered.
    pub fn load(self) {
        let Some(account) = untrack(|| self.session.account()) else { return };
        spawn_local(async move {
            let answer: Result<Profile, Interruption> = account.profile().await;
            match answer {
                Ok(profile) if self.is_of(&account) => {
                    self.error.try_set(None);
                    if self.profile.try_with_untracked(|known| known.as_ref() != Some(&profile)) == Some(true)
                    {
                        self.profile.try_set(Some(profile));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    self.error.try_set(Some(error.to_string()));
                }
            }
        });
    }

    /// Asks now, and whenever somebody comes back to the page: the link of a mail opens in another tab.
    pub fn keep_fresh(self) {
        Effect::new(move || {
            if self.session.is_open() {
                self.load();
            }
        });
        Effect::new(move || {
            let handle = window_event_listener(ev::focus, move |_| self.load());
            on_cleanup(move || handle.remove());
        });
    }

    fn is_of(self, account: &OpenAccount) -> bool {
        self.session.has_open(account.me().account)
    }
}

/// The profile, on a page of the settings.
///
/// # Panics
/// Outside of [`Settings`](crate::page::settings::Settings).
pub fn use_own_profile() -> OwnProfile {
    expect_context()
}

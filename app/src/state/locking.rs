//! How an open account is closed again: locked, logged out, or left to another tab's word.

use client::StoreUnavailable;
use leptos::{prelude::*, task::spawn_local};
use protocol::account::{CurrentSession, SignedIn};

use super::{
    auto_lock::{self, AutoLock},
    session::{LockReason, OpenAccount, Session, Standing},
};
use crate::browser::TabNote;

impl Session {
    /// After how long without use the pages of this device lock.
    pub fn auto_lock(self) -> AutoLock {
        self.auto_lock.get()
    }

    /// Chooses that, for all tabs.
    pub fn set_auto_lock(self, choice: AutoLock) {
        self.take_auto_lock(choice);
        spawn_local(async move {
            let Ok(device) = self.opened_device() else { return };
            let kept = auto_lock::choose(&*device, choice).await;
            auto_lock::remember_use(&*device).await;
            self.tell(TabNote::AutoLock);
            if let Err(error) = kept {
                self.notice.set(Some(error.to_string()));
            }
        });
    }

    /// Locks all tabs: the keys leave the memory and this browser's store; what waits to be sent stays, sealed. The session
    /// goes on, so the password opens the account again.
    pub fn lock_now(self) {
        self.lock(None);
    }

    /// Ends the session and forgets everything on this device.
    pub async fn log_out(self) {
        let Some(account) = self.standing_account() else { return };
        let left = account.log_out().await;
        if let Ok(device) = self.opened_device() {
            device.forget_unlocked(&account.me().username).await;
        }
        self.left(left);
    }

    /// The same for an account that is locked: it takes no password to leave.
    pub async fn log_out_locked(self) {
        let (Standing::Locked { username, .. }, Ok(device)) =
            (self.standing.get_untracked(), self.opened_device())
        else {
            return;
        };
        let remembered = device.remembered().await.filter(|kept| kept.username == username);
        let account = remembered.and_then(|kept| kept.account);
        let left = client::log_out_locked(&*device, &username, account).await;
        device.forget_unlocked(&username).await;
        self.left(left);
        // Where another account is signed in beside, this page goes on as that one's.
        self.resume().await;
    }

    /// The account was deleted, and with it all sessions: its pages close, here and in the other tabs.
    pub async fn account_deleted(self, account: &OpenAccount) {
        if let Ok(device) = self.opened_device() {
            device.forget_unlocked(&account.me().username).await;
        }
        self.take_wanted();
        self.left(Ok(()));
        self.notice.set(Some(format!("The account {} is deleted.", account.me().username)));
    }

    /// How many messages of the locked account wait on this device to be sent.
    pub async fn unsent_of_locked(self) -> usize {
        let Ok(device) = self.opened_device() else { return 0 };
        match device.remembered().await.and_then(|kept| kept.account) {
            Some(account) => client::unsent_of_locked(&*device, account).await.unwrap_or_default(),
            None => 0,
        }
    }

    fn left(self, left: Result<(), StoreUnavailable>) {
        self.tell(TabNote::LoggedOut);
        self.close(Standing::SignedOut);
        if let Err(error) = left {
            self.notice.set(Some(error.to_string()));
        }
    }

    /// Asks for the password again; what waits to be sent stays.
    pub(super) fn lock(self, reason: Option<LockReason>) {
        let Some(account) = self.standing_account() else { return };
        let username = account.me().username.clone();
        self.close(Standing::Locked { username: username.clone(), reason });
        spawn_local(async move {
            if let Ok(device) = self.opened_device() {
                device.forget_key(&username).await;
            }
            // The cookie is another account's now: its tabs have nothing to do with this.
            if reason != Some(LockReason::AnotherAccount) {
                self.tell(TabNote::Locked);
            }
        });
    }

    /// The page is used: the other tabs are, too.
    pub(super) fn used(self) {
        self.tell(TabNote::Used);
        spawn_local(async move {
            if let Ok(device) = self.opened_device() {
                auto_lock::remember_use(&*device).await;
            }
        });
    }

    /// What another tab says.
    pub(super) fn hear(self, note: TabNote) {
        match (note, self.standing_account()) {
            (TabNote::Changed, Some(account)) => spawn_local(async move {
                // What cannot be read now is read with the next change.
                let _ = account.load().await;
                if self.new_sessions.with_untracked(|new| !new.is_empty()) {
                    self.look_at_sessions((*account).clone());
                }
            }),
            (TabNote::LoggedOut, Some(_)) => self.close(Standing::SignedOut),
            (TabNote::LoggedOut, None) => {
                if matches!(self.standing.get_untracked(), Standing::Locked { .. }) {
                    self.standing.set(Standing::SignedOut);
                }
            }
            (TabNote::Locked, Some(account)) => {
                let username = account.me().username.clone();
                self.close(Standing::Locked { username, reason: None });
            }
            (TabNote::SignedIn, None) => spawn_local(self.resume()),
            (TabNote::SignedIn, Some(account)) => spawn_local(self.leave_to_another(account)),
            (TabNote::Used, Some(_)) => {
                if let Some(watch) = self.platform().and_then(|platform| platform.idle_watch) {
                    watch.used_elsewhere();
                }
            }
            (TabNote::AutoLock, _) => spawn_local(async move {
                if let Ok(device) = self.opened_device() {
                    self.take_auto_lock(auto_lock::chosen(&*device).await);
                }
            }),
            (TabNote::Changed | TabNote::Locked | TabNote::Used, None) => {}
        }
    }

    fn take_auto_lock(self, choice: AutoLock) {
        self.auto_lock.set(choice);
        if let Some(watch) = self.platform().and_then(|platform| platform.idle_watch) {
            watch.set_choice(choice);
        }
    }

    fn close(self, standing: Standing) {
        self.standing.set(standing);
        self.recovery_key.set(None);
        self.new_sessions.set(Vec::new());
        self.platform.update_value(|platform| {
            if let Some(platform) = platform {
                platform.courier = None;
                platform.idle_watch = None;
            }
        });
    }

    /// All tabs of a browser share one cookie: when it has become another account's, this page must not go on with it.
    async fn leave_to_another(self, account: OpenAccount) {
        let Ok(device) = self.opened_device() else { return };
        let now: Result<SignedIn, _> = client::Device::call(&*device, CurrentSession {}).await;
        if now.is_ok_and(|now| now.account != account.me().account) {
            self.lock(Some(LockReason::AnotherAccount));
        }
    }
}

//! How an account comes to be open: made, signed in, unlocked, or found open after a reload.

use std::{rc::Rc, sync::Arc};

use client::{
    Account, Interruption, KeysAfterReset, Redeemed, Reset, ResetError, SignIn, SignInError, SignUp,
    SignUpError,
};
use crypto::recovery::RecoveryKeyHint;
use leptos::{prelude::*, task::spawn_local};
use protocol::{account::CurrentSession, id::AccountId, second_factor::SecondFactorCode};
use send_wrapper::SendWrapper;

use super::{
    auto_lock::{self, AutoLock, IdleWatch},
    courier::{Courier, Link},
    recovery,
    session::{LockReason, Platform, Session, Standing},
};
use crate::browser::{self, Device, Remembered, TabNote, Tabs};

impl Session {
    /// Finds out who is signed in. To be called once, in the browser, after the page has come alive.
    pub fn start(self) {
        spawn_local(async move {
            let device = Device::open().await;
            self.storage.set(device.storage());
            self.auto_lock.set(auto_lock::chosen(&*device).await);
            let tabs = Tabs::listen(move |note| self.hear(note));
            let platform = Platform { device, tabs: Rc::new(tabs), courier: None, idle_watch: None };
            self.platform.set_value(Some(SendWrapper::new(platform)));
            self.ready.set(true);
            self.resume().await;
        });
    }

    /// Makes an account. Before the first message, its recovery key has to be kept: see [`Self::recovery_key`].
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn sign_up(self, form: SignUp) -> Result<(), SignUpError> {
        let device = self.opened_device()?;
        let (account, key) = client::sign_up(device.clone(), form).await?;
        let kept = recovery::keep(&*device, account.me().account, account.account_key(), &key).await;
        kept.map_err(Interruption::from)?;
        self.recovery_key.set(Some(key));
        self.open(account).await;
        Ok(())
    }

    /// Proves the password (and a code, where one is asked for) and opens the account.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn sign_in(self, form: SignIn) -> Result<(), SignInError> {
        let device = self.opened_device()?;
        let account = client::sign_in(device, form).await?;
        self.enter(account).await;
        Ok(())
    }

    /// Opens a locked page within the session that goes on; when that has ended, signs in anew.
    ///
    /// # Errors
    /// [`SignInError`].
    pub async fn unlock(self, form: SignIn) -> Result<(), SignInError> {
        let device = self.opened_device()?;
        match client::unlock(device, form.username.clone(), form.password.clone()).await {
            Ok(account) => {
                self.enter(account).await;
                Ok(())
            }
            Err(SignInError::Interrupted(Interruption::SessionEnded)) => self.sign_in(form).await,
            Err(error) => Err(error),
        }
    }

    /// Sets a new password by a checked token. When the keys were lost, the new recovery key is kept until its owner has
    /// confirmed it: here, or after the next sign-in.
    ///
    /// # Errors
    /// [`ResetError`].
    pub async fn reset_password(
        self,
        reset: &Reset<Device>,
        new_password: &str,
        code: Option<SecondFactorCode>,
        keys: KeysAfterReset,
    ) -> Result<Redeemed, ResetError> {
        let device = self.opened_device()?;
        let redeemed = reset.redeem(new_password, code, keys).await?;
        if let Some((account_key, recovery_key)) = &redeemed.fresh {
            // What cannot be kept is shown now all the same.
            let _ = recovery::keep(&*device, redeemed.account, account_key, recovery_key).await;
        }
        if self.has_open(redeemed.account) {
            self.lock(Some(LockReason::SessionEnded));
        }
        Ok(redeemed)
    }

    /// Two groups of the recovery key that its owner is asked for.
    pub fn draw_hints(self) -> Option<[RecoveryKeyHint; 2]> {
        self.opened_device().ok().map(|device| recovery::draw_hints(&*device))
    }

    /// The owner has the recovery key: the device forgets it.
    pub async fn confirm_recovery_key(self) {
        if let Some(account) = self.standing_account() {
            self.forget_recovery_key_of(account.me().account).await;
        }
        self.recovery_key.set(None);
    }

    /// The owner of an account that is not open has its recovery key: the device forgets it.
    pub async fn forget_recovery_key_of(self, account: AccountId) {
        if let Ok(device) = self.opened_device() {
            recovery::forget(&*device, account).await;
        }
    }

    /// Finds the account open that was open when the page was left.
    pub(super) async fn resume(self) {
        let Ok(device) = self.opened_device() else { return };
        let Some(Remembered { username, .. }) = device.remembered().await else {
            return self.standing.set(Standing::SignedOut);
        };
        let choice = self.auto_lock.get_untracked();
        if auto_lock::was_left(&*device, choice).await {
            device.forget_key(&username).await;
            let reason = Some(LockReason::Idle(choice));
            return self.standing.set(Standing::Locked { username, reason });
        }
        let standing = loop {
            match resume(&device).await {
                Ok(Some(account)) => return self.enter(account).await,
                Ok(None) | Err(Interruption::SessionEnded) => {
                    break Standing::Locked { username, reason: None };
                }
                Err(error) if error.passes_by_itself() => {
                    self.standing.set(Standing::OutOfReach);
                    browser::pause(2_000).await;
                }
                Err(error) => {
                    self.notice.set(Some(error.to_string()));
                    break Standing::Locked { username, reason: None };
                }
            }
        };
        self.standing.set(standing);
    }

    /// Opens an account whose recovery key may still be unconfirmed.
    async fn enter(self, account: Account<Device>) {
        if let Ok(device) = self.opened_device() {
            self.recovery_key.set(recovery::kept(&*device, &account).await);
        }
        self.open(account).await;
    }

    async fn open(self, account: Account<Device>) {
        let Some(mut platform) = self.platform() else { return };
        platform.device.keep_unlocked(account.session(), account.account_key()).await;
        let shown = self.shown;
        account.on_change(move || shown.update(|count| *count += 1));
        if let Err(error) = account.load().await {
            self.notice.set(Some(error.to_string()));
        }
        self.link.set(Link::Up);
        platform.courier = Some(Courier::start(account.clone(), self));
        if self.auto_lock.get_untracked() != AutoLock::Off {
            // Before the other tabs hear of it: they look whether the device was left alone.
            auto_lock::remember_use(&*platform.device).await;
        }
        platform.idle_watch = Some(Rc::new(IdleWatch::start(
            self.auto_lock.get_untracked(),
            move || self.used(),
            // Not from within the watch, which ends by this.
            move |choice| spawn_local(async move { self.lock(Some(LockReason::Idle(choice))) }),
        )));
        platform.tabs.tell(TabNote::SignedIn);
        self.platform.set_value(Some(SendWrapper::new(platform)));
        self.standing.set(Standing::Open(SendWrapper::new(account)));
    }
}

/// `None`: there is a session, but this device cannot open the account.
async fn resume(device: &Arc<Device>) -> Result<Option<Account<Device>>, Interruption> {
    use client::Device as _;

    let session = device.call(CurrentSession {}).await?;
    let Some(key) = device.unlock(&session).await else { return Ok(None) };
    client::resume(device.clone(), session, key).await.map(Some)
}

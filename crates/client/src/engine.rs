//! What all parts of a signed-in account share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crypto::{account_key::AccountKey, identity::IdentityKey};
use protocol::account::{CurrentSession, SignedIn};

use crate::{
    Account, Contact, Device, Interruption, StoreUnavailable,
    conversation::state::State,
    device::Change,
    logs::Logs,
    records::{Records, kdf_record},
    repairs::Repair,
    this_device::ThisDevice,
    vault::{Vault, VaultRefused},
};

type Listener = Arc<dyn Fn() + Send + Sync>;

pub(crate) struct Engine<D> {
    pub(crate) device: Arc<D>,
    pub(crate) records: Records,
    pub(crate) vault: Vault,
    pub(crate) me: Contact,
    pub(crate) identity: IdentityKey,
    pub(crate) session: SignedIn,
    pub(crate) account_key: AccountKey,
    /// One synchronisation at a time, one flush at a time: a second call waits, and then finds little to do.
    pub(crate) syncing: futures::lock::Mutex<()>,
    pub(crate) flushing: futures::lock::Mutex<()>,
    pub(crate) introducing: futures::lock::Mutex<()>,
    pub(crate) maintaining: futures::lock::Mutex<()>,
    state: Mutex<State>,
    logs: Mutex<Logs>,
    introduced: Mutex<Option<ThisDevice>>,
    listener: Mutex<Option<Listener>>,
}

impl<D: Device> Engine<D> {
    /// Opens the vault, from the device's copies if it has them, and assembles the account.
    pub(crate) async fn open(
        device: Arc<D>,
        session: SignedIn,
        account_key: AccountKey,
    ) -> Result<Account<D>, Interruption> {
        let account = session.account;
        let records = Records::new(account, account_key.cache_key());
        let vault = Vault::load(&*device, &records, account, account_key.vault_key()).await?;
        if !vault.has_keys() {
            vault.refresh(&*device, &records).await?;
        }
        if !vault.has_keys() {
            return Err(VaultRefused::NoKeys.into());
        }
        let me = Contact { account, username: session.username.clone() };
        let engine = Self {
            records,
            identity: vault.identity()?,
            vault,
            state: Mutex::new(State::new(me.clone())),
            me,
            session,
            account_key,
            syncing: futures::lock::Mutex::new(()),
            flushing: futures::lock::Mutex::new(()),
            introducing: futures::lock::Mutex::new(()),
            maintaining: futures::lock::Mutex::new(()),
            logs: Mutex::default(),
            introduced: Mutex::default(),
            listener: Mutex::new(None),
            device,
        };
        engine.remember_start().await?;
        Ok(Account::new(engine))
    }

    /// The first time that an account comes to a device, all that is in its mailbox counts as read.
    async fn remember_start(&self) -> Result<(), StoreUnavailable> {
        let name = self.records.start();
        let start = self.records.seal(&*self.device, &name, &self.session.mailbox_end);
        let start = self.records.put_if_absent(&*self.device, &name, start).await?;
        let start = self.records.open(&name, &start).unwrap_or(self.session.mailbox_end);
        self.state().begin_at(start);
        Ok(())
    }

    /// Asks whose session the device's calls go out under. All pages of a browser share one cookie: while this one was
    /// looking away, somebody else may have signed in beside it. Asked before what cannot be taken back.
    ///
    /// # Errors
    /// [`Interruption::SessionEnded`] when it is another account's.
    pub(crate) async fn check_whose_session(&self) -> Result<(), Interruption> {
        let current = self.device.call(CurrentSession {}).await?;
        if current.account == self.me.account { Ok(()) } else { Err(Interruption::SessionEnded) }
    }

    /// Removes everything of this account from the device; what is still under way writes nothing any more.
    pub(crate) async fn forget_on_device(&self) -> Result<(), StoreUnavailable> {
        let kdf = Change::Remove { name: kdf_record(&self.me.username) };
        let wiped = self.records.wipe(&*self.device, kdf).await;
        *self.state() = State::new(self.me.clone());
        self.changed();
        wiped
    }

    /// Short, and never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Short, and never held across an await, like the state.
    pub(crate) fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This device, once it was introduced in this session.
    pub(crate) fn introduced(&self) -> Option<ThisDevice> {
        self.introduced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_introduced(&self, this: Option<ThisDevice>) {
        *self.introduced.lock().unwrap_or_else(PoisonError::into_inner) = this;
    }

    /// Looks for what other devices have changed in the vault.
    pub(crate) async fn refresh_vault(&self) -> Result<(), Interruption> {
        if self.vault.refresh(&*self.device, &self.records).await? {
            // What was archived since the copy is to be archived again.
            let forgotten = Change::Remove { name: self.records.archived_to() };
            self.records.write(&*self.device, vec![forgotten]).await?;
            self.note_repair(Repair::VaultRestored).await?;
            self.end_sessions_again().await?;
        }
        Ok(())
    }

    pub(crate) fn listen(&self, listener: Listener) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }

    /// Says that what is shown has changed. Not to be called while the state is locked: the listener will look at it.
    pub(crate) fn changed(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(listener) = listener {
            listener();
        }
    }
}

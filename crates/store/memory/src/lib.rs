//! The relay's Store in memory, for tests and simulations.
//!
//! One lock around plain maps: each method takes it once, so each is a transaction. It passes the same conformance suite
//! as the stores that keep what they are given.

mod account;
mod accounts;
mod counters;
mod devices;
mod directory;
mod emails;
mod erase;
mod invites;
mod mailbox;
mod mails;
mod prekeys;
mod proven;
mod resets;
mod second_factors;
mod sessions;
mod vault;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crypto::{
    device_log::LogEntry,
    id::{AccountId, Fingerprint, MessageId, SessionId, TokenHash},
};
use protocol::Username;
use relay::port::{Invite, NewMail, SentEnvelope};

use account::Account;
use prekeys::Pool;
use sessions::Session;

/// A store in memory; clones share what they hold.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// What it holds at this moment, by itself: a backup.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// A backup that is put back hands out none of the one-time prekeys that it holds: they may have served since.
    pub fn forget_one_time_prekeys(&self) {
        let mut state = self.lock();
        for account in state.accounts.values_mut() {
            account.pools.entry(None).or_default();
            account.pools.values_mut().for_each(Pool::is_put_back);
        }
    }

    /// Every method makes all of its changes after the last thing that could fail, so a poisoned lock guards whole state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MemoryStore(..)")
    }
}

#[derive(Clone, Default)]
struct State {
    accounts: HashMap<AccountId, Account>,
    names: BTreeMap<Username, AccountId>,
    deleted: HashMap<AccountId, Username>,
    sessions: HashMap<SessionId, Session>,
    device_logs: HashMap<(AccountId, Fingerprint), Vec<LogEntry>>,
    envelopes: HashMap<MessageId, Envelope>,
    mails: BTreeMap<u64, Mail>,
    last_mail: u64,
    invites: BTreeMap<u64, (TokenHash, Invite)>,
    last_invite: u64,
    counters: HashMap<(u8, [u8; 16]), (u64, u64)>,
}

#[derive(Clone)]
struct Envelope {
    sent: SentEnvelope,
    shared: Vec<u8>,
    /// `None`: never, or it is done.
    expires_at_ms: Option<u64>,
}

#[derive(Clone)]
struct Mail {
    mail: NewMail,
    tries: u32,
    next_try_at_ms: u64,
}

//! The relay's Store in memory, for tests and simulations.
//!
//! One lock around plain maps: each method takes it once, so each is a transaction. It passes the same conformance suite
//! as the stores that keep what they are given.

mod accounts;
mod mailbox;
mod sessions;
mod vault;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crypto::{
    id::{AccountId, MessageId, SessionId},
    vault::VaultKind,
};
use protocol::{Username, vault::Row};
use relay::port::{LiveSession, NewAccount, SentEnvelope};

/// A store in memory; clones share what they hold.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
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

#[derive(Default)]
struct State {
    accounts: HashMap<AccountId, Account>,
    names: BTreeMap<Username, AccountId>,
    sessions: HashMap<SessionId, LiveSession>,
    envelopes: HashMap<MessageId, Envelope>,
}

struct Account {
    registered: NewAccount,
    vault: BTreeMap<(VaultKind, Vec<u8>), Row>,
    mailbox: Vec<Delivery>,
}

struct Envelope {
    sent: SentEnvelope,
    shared: Vec<u8>,
}

struct Delivery {
    message: MessageId,
    seal: Vec<u8>,
}

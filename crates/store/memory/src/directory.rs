use std::ops::Bound;

use async_trait::async_trait;
use crypto::{
    device_log::LogEntry,
    id::{AccountId, LogHash},
};
use protocol::{
    Username,
    directory::{KeyBundle, User},
};
use relay::port::{Directory, NewAccount, StoreError};

use crate::{MemoryStore, State, account::Account};

/// The head of a device log without entries.
const NO_ENTRY: LogHash = LogHash::from_bytes([0; 32]);

#[async_trait]
impl Directory for MemoryStore {
    async fn list_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let state = self.lock();
        let first = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = state.names.range((first, Bound::Unbounded));
        let matching = names.filter(|(name, _)| name.as_str().starts_with(prefix));
        Ok(matching
            .take(limit)
            .map(|(name, account)| User { account: *account, username: name.clone() })
            .collect())
    }

    async fn find_deleted(&self, accounts: &[AccountId]) -> Result<Vec<AccountId>, StoreError> {
        let state = self.lock();
        Ok(accounts.iter().filter(|account| state.deleted.contains_key(account)).copied().collect())
    }

    async fn find_keys(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, StoreError> {
        let state = self.lock();
        let known = accounts.iter().filter_map(|account| state.accounts.get(account));
        Ok(known
            .map(|Account { registered, prekey_at_ms, .. }| {
                let log = state.log_of(registered);
                KeyBundle {
                    account: registered.account,
                    username: registered.username.clone(),
                    identity: registered.identity,
                    prekey: registered.prekey.clone(),
                    prekey_at_ms: *prekey_at_ms,
                    log_length: log.len() as u32,
                    log_head: log.last().map_or(NO_ENTRY, |last| last.hash(registered.account)),
                }
            })
            .collect())
    }
}

impl State {
    /// The device log of an account under its identity key of now.
    pub(crate) fn log_of(&self, account: &NewAccount) -> &[LogEntry] {
        let log = self.device_logs.get(&(account.account, account.identity.fingerprint()));
        log.map_or(&[], Vec::as_slice)
    }
}

use std::ops::Bound;

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{
    Username,
    directory::{KeyBundle, User},
};
use relay::port::{Directory, StoreError};

use crate::{MemoryStore, account::Account};

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
            .map(|Account { registered, .. }| KeyBundle {
                account: registered.account,
                username: registered.username.clone(),
                identity: registered.identity,
                prekey: registered.prekey.clone(),
            })
            .collect())
    }
}

use std::ops::Bound;

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{
    Username,
    directory::{KeyBundle, User},
    vault::Row,
};
use relay::port::{Accounts, Credentials, Directory, NewAccount, NewSession, Registered, StoreError};

use crate::{Account, MemoryStore, sessions::live};

#[async_trait]
impl Accounts for MemoryStore {
    async fn register(&self, account: NewAccount, session: NewSession) -> Result<Registered, StoreError> {
        let mut state = self.lock();
        if state.names.contains_key(&account.username) {
            return Ok(Registered::UsernameTaken);
        }
        if state.accounts.contains_key(&account.account) {
            return Ok(Registered::AccountTaken);
        }
        let vault = account.vault.iter().map(|row| {
            let key = (row.kind, row.key_id.0.clone());
            let row =
                Row { kind: row.kind, key_id: row.key_id.clone(), version: 1, sealed: row.sealed.clone() };
            (key, row)
        });
        let vault = vault.collect();
        state.names.insert(account.username.clone(), account.account);
        state.sessions.insert(session.session, live(&account, session));
        let id = account.account;
        state.accounts.insert(id, Account { registered: account, vault, mailbox: Vec::new() });
        Ok(Registered::Done)
    }

    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        let state = self.lock();
        let account = state.names.get(username).and_then(|account| state.accounts.get(account));
        Ok(account.map(|Account { registered, .. }| Credentials {
            account: registered.account,
            kdf: registered.kdf,
            password_hash: registered.password_hash.clone(),
            sealed_wrap: registered.sealed_wrap.clone(),
        }))
    }
}

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

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::vault::Row;
use relay::port::{PutOutcome, SealedVaults, StoreError, StoredSealedVault, VaultRoom, VaultRows};

use crate::MemoryStore;

#[async_trait]
impl VaultRows for MemoryStore {
    async fn vault_rows(&self, account: AccountId) -> Result<Vec<Row>, StoreError> {
        let state = self.lock();
        Ok(state
            .accounts
            .get(&account)
            .map_or_else(Vec::new, |found| found.vault.values().cloned().collect()))
    }

    async fn put_vault_row(
        &self,
        account: AccountId,
        row: Row,
        after: u64,
        room: VaultRoom,
    ) -> Result<PutOutcome, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else {
            return Err(StoreError::Failed("a row comes for an account that does not exist".into()));
        };
        let rows = found.vault.len();
        let bytes: usize = found.vault.values().map(|row| row.sealed.0.len()).sum();
        let key = (row.kind, row.key_id.0.clone());
        let standing = found.vault.get(&key);
        if standing == Some(&row) {
            return Ok(PutOutcome::Done);
        }
        if standing.map_or(0, |standing| standing.version) != after {
            return Ok(PutOutcome::VersionConflict);
        }
        let before = standing.map_or(0, |standing| standing.sealed.0.len());
        let grows = row.sealed.0.len() > before;
        if standing.is_none() && rows >= room.rows
            || grows && bytes - before + row.sealed.0.len() > room.bytes
        {
            return Ok(PutOutcome::Full);
        }
        found.vault.insert(key, row);
        Ok(PutOutcome::Done)
    }
}

#[async_trait]
impl SealedVaults for MemoryStore {
    async fn find_sealed_vault(
        &self,
        account: AccountId,
        number: u32,
    ) -> Result<Option<StoredSealedVault>, StoreError> {
        let state = self.lock();
        let put_away = state.accounts.get(&account).and_then(|found| found.sealed_vaults.get(&number));
        Ok(put_away.map(|put_away| put_away.vault.clone()))
    }

    async fn drop_sealed_vault(&self, account: AccountId, number: u32) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let found = state.accounts.get_mut(&account);
        Ok(found.is_some_and(|found| found.sealed_vaults.remove(&number).is_some()))
    }
}

use async_trait::async_trait;
use crypto::{account_key::WrappedAccountKey, id::AccountId, identity::IdentityPublic, kdf::KdfParams};
use protocol::vault::Row;

use super::StoreError;

/// Vault rows.
#[async_trait]
pub trait VaultRows: Send + Sync {
    /// All rows of an account, in the order of kind (its number) and key id (as bytes).
    async fn vault_rows(&self, account: AccountId) -> Result<Vec<Row>, StoreError>;

    /// Writes a row if the one that stands there has the version `after` (0: if none does), and the vault has room for it
    /// then. A row that does not grow is always taken.
    async fn put_vault_row(
        &self,
        account: AccountId,
        row: Row,
        after: u64,
        room: VaultRoom,
    ) -> Result<PutOutcome, StoreError>;
}

/// What one vault may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultRoom {
    /// Most rows.
    pub rows: usize,
    /// Most bytes of all that is sealed.
    pub bytes: usize,
}

/// How writing a vault row came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The row stands. It may have stood there before, byte for byte.
    Done,
    /// A row with another version stands there, or another row with this one.
    VersionConflict,
    /// The vault is full.
    Full,
}

/// Vaults that resets put away.
#[async_trait]
pub trait SealedVaults: Send + Sync {
    /// One of them, with its rows in the order of kind and key id.
    async fn find_sealed_vault(
        &self,
        account: AccountId,
        number: u32,
    ) -> Result<Option<StoredSealedVault>, StoreError>;

    /// Removes one. `false`: there was none.
    async fn drop_sealed_vault(&self, account: AccountId, number: u32) -> Result<bool, StoreError>;
}

/// A vault that a reset put away, as it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSealedVault {
    /// The identity key of that time.
    pub identity: IdentityPublic,
    /// How the password of that time was stretched.
    pub kdf: KdfParams,
    /// Its account key, sealed by the password of that time and once more by the relay.
    pub sealed_wrap: Vec<u8>,
    /// Its account key, sealed by the recovery key of that time.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// Its rows.
    pub rows: Vec<Row>,
}

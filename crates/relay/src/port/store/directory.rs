use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{
    Username,
    directory::{KeyBundle, User},
};

use super::StoreError;

/// Who is there, and by which keys.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Users in the order of their names (as bytes): those that begin with `prefix`, after `after`, at most `limit`.
    async fn list_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError>;

    /// Those of the accounts that their owners deleted, in whatever order.
    async fn find_deleted(&self, accounts: &[AccountId]) -> Result<Vec<AccountId>, StoreError>;

    /// The current keys of those of the accounts that exist, in whatever order.
    async fn find_keys(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, StoreError>;
}

use async_trait::async_trait;
use crypto::id::{AccountId, SessionId, TokenHash};

use super::StoreError;

/// The second factor of accounts. What is on is read with the [`Credentials`](super::Credentials).
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Keeps the secret of an authenticator that is being set up, in the place of an earlier one. `false`: the second
    /// factor is on already, nothing was written.
    async fn begin_totp(&self, account: AccountId, sealed_secret: Vec<u8>) -> Result<bool, StoreError>;

    /// The secret of an authenticator that is being set up.
    async fn find_pending_totp(&self, account: AccountId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Switches the second factor on, if exactly this secret is being set up: with the step that was just used, and new
    /// recovery codes. `false`: it is not, nothing was written.
    async fn enable_totp(
        &self,
        account: AccountId,
        sealed_secret: Vec<u8>,
        step: u64,
        codes: Vec<TokenHash>,
        at_ms: u64,
    ) -> Result<bool, StoreError>;

    /// Uses a step up: `true` once, and only if no later step was used.
    async fn use_totp_step(&self, account: AccountId, step: u64) -> Result<bool, StoreError>;

    /// Uses a recovery code up: `true` once.
    async fn use_recovery_code(&self, account: AccountId, code: TokenHash) -> Result<bool, StoreError>;

    /// Puts new recovery codes in the place of those that there are. `false`: the second factor is off.
    async fn replace_recovery_codes(
        &self,
        account: AccountId,
        codes: Vec<TokenHash>,
    ) -> Result<bool, StoreError>;

    /// Switches the second factor off, forgets its secret and codes, also of one that is being set up, and ends the
    /// account's sessions but `keep`. The sessions that were ended; `None`: it was off.
    async fn disable_totp(
        &self,
        account: AccountId,
        keep: Option<SessionId>,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;
}

use async_trait::async_trait;
use crypto::id::{AccountId, SessionId, TokenHash};

use super::{Proven, StoreError};

/// The second factor of accounts. What is on is read with the [`Credentials`](super::Credentials).
#[async_trait]
pub trait SecondFactors: Send + Sync {
    /// Keeps the secret of an authenticator that is being set up, in the place of an earlier one. `false`: the second
    /// factor is on already, or what was proven does not hold any more; nothing was written.
    async fn begin_totp(&self, proven: Proven, sealed_secret: Vec<u8>) -> Result<bool, StoreError>;

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

    /// Puts new recovery codes in the place of those that there are. `false`: the second factor is off, or what was proven
    /// does not hold any more.
    async fn replace_recovery_codes(&self, proven: Proven, codes: Vec<TokenHash>)
    -> Result<bool, StoreError>;

    /// Switches the second factor off, forgets its secret and codes, also of one that is being set up, and ends the
    /// account's sessions but the one that asked. The sessions that were ended; `None`: it was off, or what was proven does
    /// not hold any more. The operator asks without proof: then all sessions end.
    async fn disable_totp(
        &self,
        account: AccountId,
        proven: Option<Proven>,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;
}

use async_trait::async_trait;
use crypto::{
    device_log::LogEntry,
    id::{AccountId, Fingerprint, SessionId},
};

use super::StoreError;

/// Device logs, and which device a session is of.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Entries of a log after a position, in their order, at most `limit`. Logs outlive their accounts and identity keys.
    async fn device_log(
        &self,
        account: AccountId,
        identity: Fingerprint,
        after: u32,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError>;

    /// Puts a checked entry at the end of the account's log under this identity key, which must be its current one, and
    /// changes the sessions that it is about: see [`NewLogEntry::session`]. A revocation ends the sessions of its device, but for the
    /// one that says it, which is of no device then.
    async fn append_log(&self, entry: NewLogEntry) -> Result<LogOutcome, StoreError>;
}

/// A checked entry.
#[derive(Clone, Debug)]
pub struct NewLogEntry {
    /// Whose log.
    pub account: AccountId,
    /// Under which identity key.
    pub identity: Fingerprint,
    /// The entry; its position must be the next one.
    pub entry: LogEntry,
    /// Which session has asked. Of a device that is added, the session is bound to it, in the place of any device before. Of
    /// one that is revoked, the sessions that are bound to it end, and all prekeys that it published go.
    pub session: SessionId,
}

/// How appending came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOutcome {
    /// The entry stands, and these sessions were ended. It may have stood there before, byte for byte; then nothing else was
    /// changed, but the session is bound.
    Done(Vec<SessionId>),
    /// Another entry stands there, or the position is not the next one, or the account has another identity key; or the entry
    /// stands there, but the device that it added was revoked since.
    Conflict,
}

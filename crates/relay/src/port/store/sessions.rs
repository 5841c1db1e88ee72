use async_trait::async_trait;
use crypto::{
    device::DevicePublic,
    id::{AccountId, DeviceId, SessionId},
    kdf::KdfParams,
};
use protocol::{Cursor, Username};

use super::StoreError;
use crate::port::PasswordHash;

/// Sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session, and forgets those of the same account that are over by `expired`. Gives the end of the
    /// account's mailbox; `None`: the account's password is not the one of this hash any more, nothing was written.
    async fn begin_session(
        &self,
        session: NewSession,
        expired: Expiry,
        proven: PasswordHash,
    ) -> Result<Option<Cursor>, StoreError>;

    /// The session, with what its account is called and where its mailbox ends.
    async fn find_session(&self, session: SessionId) -> Result<Option<LiveSession>, StoreError>;

    /// Notes when the session was last seen; nothing when it is over.
    async fn touch_session(&self, session: SessionId, seen_at_ms: u64) -> Result<(), StoreError>;

    /// Ends a session of this account, for every request that begins after this one returned. `false`: there was none.
    async fn end_session(&self, account: AccountId, session: SessionId) -> Result<bool, StoreError>;

    /// Ends all sessions of this account but one, or all. Those that were ended.
    async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// The sessions of this account, the one that was seen last first.
    async fn list_sessions(&self, account: AccountId) -> Result<Vec<StoredSession>, StoreError>;
}

/// A session that begins.
#[derive(Clone)]
pub struct NewSession {
    /// Its id.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// What it is called.
    pub device_name: String,
    /// When it begins.
    pub created_at_ms: u64,
    /// The server's half of the key that keeps a reloaded page unlocked.
    pub unlock_half: [u8; 32],
}

/// A session that has not been ended; whether it is too old is for the relay to say.
#[derive(Clone)]
pub struct LiveSession {
    /// Whose it is.
    pub account: AccountId,
    /// What the account is called.
    pub username: Username,
    /// How the account's password is stretched.
    pub kdf: KdfParams,
    /// When it began.
    pub created_at_ms: u64,
    /// When it was last seen, to the minute.
    pub last_seen_at_ms: u64,
    /// The server's half of the key that keeps a reloaded page unlocked.
    pub unlock_half: [u8; 32],
    /// Where the account's mailbox ends.
    pub mailbox_end: Cursor,
    /// Which of the account's devices uses it, with its key, once it has said so.
    pub device: Option<(DeviceId, DevicePublic)>,
}

impl core::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { session, account, device_name: _, created_at_ms: _, unlock_half: _ } = self;
        write!(f, "NewSession {{ session: {session}, account: {account}, .. }}")
    }
}

impl core::fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self {
            account,
            username,
            kdf: _,
            created_at_ms,
            last_seen_at_ms,
            unlock_half: _,
            mailbox_end,
            device: _,
        } = self;
        write!(
            f,
            "LiveSession {{ account: {account}, username: {username}, created_at_ms: {created_at_ms}, \
             last_seen_at_ms: {last_seen_at_ms}, mailbox_end: {mailbox_end}, .. }}"
        )
    }
}

/// From when on a session counts as over: begun before one time, or last seen before another.
#[derive(Clone, Copy, Debug)]
pub struct Expiry {
    /// Begun before it.
    pub created_before_ms: u64,
    /// Last seen before it.
    pub seen_before_ms: u64,
}

/// A session, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSession {
    /// Its id.
    pub session: SessionId,
    /// What it is called.
    pub device_name: String,
    /// When it began.
    pub created_at_ms: u64,
    /// When it was last seen, to the minute.
    pub last_seen_at_ms: u64,
    /// Which of the account's devices uses it.
    pub device: Option<DeviceId>,
}

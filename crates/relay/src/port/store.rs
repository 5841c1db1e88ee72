use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, EnvelopeHash, Fingerprint, MessageId, PrekeyId, SessionId},
    identity::IdentityPublic,
    kdf::KdfParams,
    prekey::SignedPrekey,
};
use protocol::{
    Cursor, Refusal, Username,
    directory::{KeyBundle, User},
    mailbox::Item,
    refusal::Code,
    vault::{NewRow, Row},
};

use super::PasswordHash;

/// Where the relay keeps everything. Each method is one use-case and one transaction: it happened as a whole, durably,
/// when it returns `Ok`; it did not happen when it returns `Err`; and when its future is dropped, it happened as a whole
/// or not at all.
pub trait Store: Accounts + Sessions + Directory + Mailbox + VaultRows {}

impl<S: Accounts + Sessions + Directory + Mailbox + VaultRows> Store for S {}

/// Accounts and how their passwords are checked.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes an account with its keys, its vault, its empty mailbox and its first session: all or nothing.
    async fn register(&self, account: NewAccount, session: NewSession) -> Result<Registered, StoreError>;

    /// How the password of this name is stretched and checked.
    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError>;
}

/// Sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session, and forgets those of the same account that are over by `expired`. Gives the end of the
    /// account's mailbox.
    async fn begin_session(&self, session: NewSession, expired: Expiry) -> Result<Cursor, StoreError>;

    /// The session, with what its account is called and where its mailbox ends.
    async fn find_session(&self, session: SessionId) -> Result<Option<LiveSession>, StoreError>;

    /// Notes when the session was last seen; nothing when it is over.
    async fn touch_session(&self, session: SessionId, seen_at_ms: u64) -> Result<(), StoreError>;

    /// Ends the session, for every request that begins after this one returned. Ending it again is no error.
    async fn end_session(&self, session: SessionId) -> Result<(), StoreError>;
}

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

    /// The current keys of those of the accounts that exist, in whatever order.
    async fn find_keys(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, StoreError>;
}

/// Mailboxes.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// What is to be known before an envelope is taken.
    async fn send_context(
        &self,
        message: MessageId,
        sender: AccountId,
        recipients: &[AccountId],
    ) -> Result<SendContext, StoreError>;

    /// Puts an envelope into the mailbox of each of its recipients, at the next place of each. A message id that is
    /// taken changes nothing, for ever.
    async fn deliver(&self, envelope: NewEnvelope) -> Result<Delivered, StoreError>;

    /// Deliveries after a cursor in their order: at most `max_items`, and at most `max_bytes` of shared parts and seals,
    /// but at least one if there is one.
    async fn page(
        &self,
        account: AccountId,
        after: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError>;
}

/// Vault rows.
#[async_trait]
pub trait VaultRows: Send + Sync {
    /// All rows of an account, in the order of kind (its number) and key id (as bytes).
    async fn vault_rows(&self, account: AccountId) -> Result<Vec<Row>, StoreError>;

    /// Writes a row if the one that stands there has the version before, and the vault has room for it then. A row that
    /// does not grow is always taken.
    async fn put_vault_row(
        &self,
        account: AccountId,
        row: Row,
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

/// A new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// Where a password reset may be mailed to.
    pub email: Option<String>,
    /// How its password is stretched.
    pub kdf: KdfParams,
    /// How its auth key is checked.
    pub password_hash: PasswordHash,
    /// The account key, sealed by the password and once more by the relay.
    pub sealed_wrap: Vec<u8>,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// Its identity key.
    pub identity: IdentityPublic,
    /// Its prekey.
    pub prekey: SignedPrekey,
    /// Its first vault rows.
    pub vault: Vec<NewRow>,
    /// When it was made.
    pub created_at_ms: u64,
}

/// How a registration came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The account stands.
    Done,
    /// The name is somebody's; nothing was written.
    UsernameTaken,
    /// The account id is in use; nothing was written.
    AccountTaken,
}

/// What a login needs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// How its password is stretched.
    pub kdf: KdfParams,
    /// How its auth key is checked.
    pub password_hash: PasswordHash,
    /// The account key, sealed by the password and once more by the relay.
    pub sealed_wrap: Vec<u8>,
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
}

impl core::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { session, account, device_name: _, created_at_ms: _, unlock_half: _ } = self;
        write!(f, "NewSession {{ session: {session}, account: {account}, .. }}")
    }
}

impl core::fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { account, username, kdf: _, created_at_ms, last_seen_at_ms, unlock_half: _, mailbox_end } =
            self;
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

/// What is known before an envelope is taken: all of one moment.
#[derive(Clone, Debug)]
pub struct SendContext {
    /// What stands under the message id already.
    pub sent: Option<SentEnvelope>,
    /// The sender's identity key.
    pub sender: Option<IdentityPublic>,
    /// The keys of those recipients that exist, in whatever order.
    pub recipients: Vec<CurrentKeys>,
}

/// An envelope that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentEnvelope {
    /// Its name.
    pub hash: EnvelopeHash,
    /// Who sent it.
    pub sender: AccountId,
    /// Where the sender's own copy stands.
    pub sender_cursor: Cursor,
    /// When it was stored.
    pub received_at_ms: u64,
}

/// By which keys an account is reached at the moment, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentKeys {
    /// The account.
    pub account: AccountId,
    /// Its identity key.
    pub identity: Fingerprint,
    /// Its prekey.
    pub prekey: PrekeyId,
}

/// A checked envelope.
#[derive(Clone, Debug)]
pub struct NewEnvelope {
    /// Its message.
    pub message: MessageId,
    /// Its name.
    pub hash: EnvelopeHash,
    /// Who sent it: one of the recipients.
    pub sender: AccountId,
    /// When it is stored.
    pub received_at_ms: u64,
    /// What all recipients get: stored once.
    pub shared: Vec<u8>,
    /// What each recipient gets, each account once.
    pub deliveries: Vec<SealedDelivery>,
}

/// One recipient's part of an envelope.
#[derive(Clone, Debug)]
pub struct SealedDelivery {
    /// The recipient.
    pub account: AccountId,
    /// The seal.
    pub seal: Vec<u8>,
}

/// How a delivery came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It is in every recipient's mailbox: at these places, in the order of the deliveries.
    Stored(Vec<(AccountId, Cursor)>),
    /// The message id was taken before; nothing was written.
    AlreadySent(SentEnvelope),
    /// These recipients do not exist; nothing was written.
    UnknownRecipients(Vec<AccountId>),
}

/// A page of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub items: Vec<Item>,
    /// The mailbox's end at the same moment.
    pub end: Cursor,
}

/// How writing a vault row came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// The row stands. It may have stood there before, byte for byte.
    Done,
    /// Another row with this version stands there, or the version is not the next one.
    VersionConflict,
    /// The vault is full.
    Full,
}

/// Why a store did not do what it was asked for. Nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the lock for too long.
    #[error("the database is locked")]
    Locked,
    /// The medium does not take writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// A stored row does not read back.
    #[error("the table {table} holds a row that cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// What is wrong with the row; nothing of its content.
        problem: String,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// The one place where a store's troubles are told: to the operator in the log, to the caller as a code.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::DiskFull | StoreError::Locked | StoreError::ReadOnly | StoreError::Closed => {
                Code::StoreUnavailable
            }
            StoreError::Corrupt { .. } | StoreError::Failed(_) => Code::Internal,
        };
        tracing::error!(%error, ?code, "the store failed");
        match code {
            Code::StoreUnavailable => Refusal::new(code).retry_after(5),
            _ => Refusal::new(code),
        }
    }
}

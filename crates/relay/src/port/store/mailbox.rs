use async_trait::async_trait;
use crypto::{
    device_log::LogEntry,
    id::{AccountId, EnvelopeHash, Fingerprint, MessageId, PrekeyId},
    identity::IdentityPublic,
};
use protocol::{
    Cursor,
    mailbox::{ArchivedKey, ArchivedPlace, Item},
};

use super::{StoreError, UsedPrekey};

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

    /// Puts an envelope into the mailbox of each of its recipients, at the next place of each, and uses up the prekeys that
    /// serve once: each must have been claimed by the sender, and not before [`NewEnvelope::claimed_after_ms`]. The signed
    /// prekeys must be those that stand. A message id that is taken changes nothing, for ever.
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

    /// Deliveries before a cursor, backwards; limited like [`Self::page`].
    async fn history(
        &self,
        account: AccountId,
        before: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError>;

    /// Puts archived keys in the place of seals, where this message stands at this place and waits for it
    /// ([`ItemState::Sealed`]); all else stays as it is.
    async fn archive(&self, account: AccountId, keys: Vec<ArchivedPlace>) -> Result<(), StoreError>;

    /// Erases messages in one mailbox, or, of those that this account has sent, in all: seals and archived keys, and the
    /// shared part once nobody has either. The rows of places and envelopes stay.
    async fn erase(
        &self,
        account: AccountId,
        messages: Vec<MessageId>,
        for_everyone: bool,
    ) -> Result<ErasedMessages, StoreError>;

    /// Erases in all mailboxes what was to disappear by now, at most `limit` envelopes, and, after anything was erased, what
    /// the store's own log of changes still has of it. How many there were.
    async fn erase_expired(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError>;
}

/// What a place of a mailbox holds. The numbers are kept in stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ItemState {
    /// A seal, which waits to be archived.
    Sealed = 1,
    /// An archived key.
    Archived = 2,
    /// Seals to keys of single devices, or none: it disappears, and is never archived.
    OnDevices = 3,
    /// Nothing any more.
    Erased = 4,
}

/// What was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedMessages {
    /// How many messages.
    pub messages: u32,
}

/// What is known before an envelope is taken: all of one moment.
#[derive(Clone, Debug)]
pub struct SendContext {
    /// What stands under the message id already.
    pub sent: Option<SentEnvelope>,
    /// The sender's identity key.
    pub sender: Option<IdentityPublic>,
    /// The last entry of the sender's device log under this key.
    pub sender_last_entry: Option<LogEntry>,
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
    /// When it is erased; `None`: never.
    pub expires_at_ms: Option<u64>,
    /// What all recipients get: stored once.
    pub shared: Vec<u8>,
    /// The signed prekeys that it is sealed to: they must still stand.
    pub signed_prekeys: Vec<(AccountId, PrekeyId)>,
    /// The prekeys that it is sealed to and that serve once: they are used up.
    pub used_prekeys: Vec<UsedPrekey>,
    /// Those that were claimed before are not taken any more.
    pub claimed_after_ms: u64,
    /// What each recipient gets, each account once.
    pub deliveries: Vec<SealedDelivery>,
}

/// One recipient's part of an envelope.
#[derive(Clone, Debug)]
pub struct SealedDelivery {
    /// The recipient.
    pub account: AccountId,
    /// The seals, one after the other; none for a sender who archives, or a member who is absent.
    pub seal: Vec<u8>,
    /// The sender's own archived key.
    pub archived: Option<ArchivedKey>,
    /// What the place holds then.
    pub state: ItemState,
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
    /// Prekeys of these recipients do not stand any more, or were not claimed by the sender; nothing was written.
    StalePrekeys(Vec<AccountId>),
}

/// A page of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub items: Vec<Item>,
    /// The mailbox's end at the same moment.
    pub end: Cursor,
}

use async_trait::async_trait;
use crypto::{
    id::{AccountId, EnvelopeHash, Fingerprint, MessageId, PrekeyId},
    identity::IdentityPublic,
};
use protocol::{Cursor, mailbox::Item};

use super::StoreError;

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

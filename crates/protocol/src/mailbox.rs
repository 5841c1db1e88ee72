//! The mailbox: every account has one gap-free sequence of deliveries, numbered from 1.

use crypto::id::{EnvelopeHash, EpochId, MessageId};
use serde::{Deserialize, Serialize};

use crate::{Binary, Cursor};

/// Name of the server-sent event that says a mailbox has grown. Its data and its id are the mailbox's new end, as a
/// decimal [`Cursor`]; it never carries content. A lost event is harmless: the next one, or the next fetch, says it all.
pub const MAILBOX_EVENT: &str = "mailbox";

/// Sends an envelope. The message id inside is the idempotency key, for ever: the same envelope again gets the same
/// answer, another envelope under the same id is refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// The envelope's bytes, as [`Envelope::to_bytes`](crypto::envelope::Envelope::to_bytes) gives them.
    pub envelope: Binary,
    /// The sender's own copy of the content key, archived: the sender has no seal. Missing where the message disappears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<ArchivedKey>,
}

/// A content key, sealed under the key of an archive epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedKey {
    /// Under which epoch's key.
    pub epoch: EpochId,
    /// As [`ArchiveKey::seal`](crypto::archive::ArchiveKey::seal) gives it.
    pub sealed: Binary,
}

/// The envelope is on disk, in the mailbox of every recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// The message.
    pub message: MessageId,
    /// Which envelope was stored under its id.
    pub hash: EnvelopeHash,
    /// Where the sender's own copy stands in the sender's mailbox.
    pub cursor: Cursor,
    /// When the relay stored it, in milliseconds since 1970.
    pub received_at_ms: u64,
}

/// Asks for what is in the mailbox after a cursor, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchPage {
    /// The last delivery already seen; 0 for all.
    pub after: Cursor,
    /// At most so many, capped by [`MAX_PAGE_ITEMS`](crate::limits::MAX_PAGE_ITEMS).
    pub limit: u32,
}

/// Asks for what is in the mailbox before a cursor, newest first: history, from its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchHistory {
    /// The first delivery already seen.
    pub before: Cursor,
    /// At most so many, capped by [`MAX_PAGE_ITEMS`](crate::limits::MAX_PAGE_ITEMS).
    pub limit: u32,
}

/// Puts archived keys in the place of seals. A place that is archived already stays as it is; one that was erased, too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// At most [`MAX_ARCHIVED_AT_ONCE`](crate::limits::MAX_ARCHIVED_AT_ONCE).
    pub keys: Vec<ArchivedPlace>,
}

/// A place of the mailbox, and the key of what stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedPlace {
    /// Where.
    pub cursor: Cursor,
    /// The message that must stand there.
    pub message: MessageId,
    /// Its key.
    pub key: ArchivedKey,
}

/// They are on disk, and the seals are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysArchived {}

/// Erases messages: seals, archived keys, and, once nobody has any, the ciphertext. Their places stay, empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// Which, at most [`MAX_PAGE_ITEMS`](crate::limits::MAX_PAGE_ITEMS). One that is not in the caller's mailbox is none.
    pub messages: Vec<MessageId>,
    /// Whether for everyone: then only those that the caller has sent.
    pub for_everyone: bool,
}

/// They are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// How many were erased now.
    pub erased: u32,
}

/// A page of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// In the order of the mailbox (of history, backwards), without a gap.
    pub items: Vec<Item>,
    /// The mailbox's end when the page was read: there is more as long as the last item stands before it.
    pub end: Cursor,
    /// What time it is on the server, in milliseconds since 1970: how much of a timer has passed.
    pub now_ms: u64,
}

/// One delivery in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its place.
    pub cursor: Cursor,
    /// When the relay stored it, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// What all recipients get: for [`Delivery::parse`](crypto::envelope::Delivery::parse). Empty: it was erased.
    pub shared: Binary,
    /// This recipient's seals, one after the other; none where the key is archived, or the recipient has sent it.
    pub seal: Binary,
    /// The content key as a device of this account archived it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<ArchivedKey>,
}

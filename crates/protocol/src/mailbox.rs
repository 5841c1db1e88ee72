//! The mailbox: every account has one gap-free sequence of deliveries, numbered from 1.

use crypto::id::{EnvelopeHash, MessageId};
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

/// A page of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// In the order of the mailbox, without a gap.
    pub items: Vec<Item>,
    /// The mailbox's end when the page was read: there is more as long as the last item stands before it.
    pub end: Cursor,
}

/// One delivery in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its place.
    pub cursor: Cursor,
    /// When the relay stored it, in milliseconds since 1970.
    pub received_at_ms: u64,
    /// What all recipients get: for [`Delivery::parse`](crypto::envelope::Delivery::parse).
    pub shared: Binary,
    /// This recipient's seal.
    pub seal: Binary,
}

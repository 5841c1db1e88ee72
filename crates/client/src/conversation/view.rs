//! What is shown: plain values, made for one look at them.

use protocol::{
    Cursor, Username,
    id::{AccountId, ConversationId, MessageId},
};

/// Somebody: an account and the name that it has in the directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contact {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
}

/// One line in the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationSummary {
    /// Which conversation.
    pub id: ConversationId,
    /// Everyone in it but oneself, by name.
    pub others: Vec<Contact>,
    /// The last message, if there is one.
    pub last: Option<Preview>,
    /// How many messages of others have come since it was last read on this device.
    pub unread: usize,
    /// When the last message came, or when the conversation was opened; milliseconds since 1970.
    pub last_at_ms: u64,
    /// Those of the others whose key differs from the accepted one: see [`Thread::changed_keys`].
    pub trouble: Vec<Contact>,
}

/// The last message of a conversation, for its line in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Whether it is one's own.
    pub mine: bool,
    /// Who wrote it.
    pub author: Contact,
    /// What is in it. For a [`Body::Text`] its first line.
    pub body: Body,
    /// When it was written, as its author says, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A conversation with its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Which conversation.
    pub id: ConversationId,
    /// Everyone in it but oneself, by name.
    pub others: Vec<Contact>,
    /// In the order of the mailbox, then one's own that wait to be sent, in the order of writing.
    pub messages: Vec<Message>,
    /// Those of the others whose key, or list of devices, is no longer the accepted one. Nothing is sent to this conversation,
    /// and what they wrote under the new key is held back, until [`Account::accept_key`](crate::Account::accept_key).
    pub changed_keys: Vec<Contact>,
    /// Those of the others who deleted their accounts: nothing can be sent to this conversation any more.
    pub deleted: Vec<Contact>,
    /// After how many seconds what is written from now on disappears; `None`: it stays.
    pub timer_s: Option<u32>,
}

/// What is not as it was accepted with a contact: [`Account::key_change`](crate::Account::key_change).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyChange {
    /// Their identity key: they began anew, or somebody pretends to be them.
    Key,
    /// Their list of devices, signed by the key that was accepted: the server was set back to a copy, or hides something.
    Devices,
}

impl KeyChange {
    /// What has changed with these people, as it stands within a sentence.
    pub fn told(self, names: &str) -> String {
        match self {
            Self::Key => format!("the security key of {names} has changed"),
            Self::Devices => format!("the server shows another list of devices of {names} than before"),
        }
    }

    /// What is accepted.
    pub fn what(self) -> &'static str {
        match self {
            Self::Key => "the new key",
            Self::Devices => "the new list",
        }
    }

    /// What it may mean.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Key => {
                "This happens when somebody starts over after losing everything, and also when somebody stands between \
                 you and reads along."
            }
            Self::Devices => {
                "This happens when the server was restored from a backup, and also when somebody who has their key hides \
                 from you that a device was signed out."
            }
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, unique in the account: a key for lists.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Contact,
    /// Whether it is one's own.
    pub mine: bool,
    /// What is in it.
    pub body: Body,
    /// When it was written, as its author says, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// Where it stands in the mailbox; `None` until it has come back through it.
    pub place: Option<Cursor>,
    /// How far it has come.
    pub state: MessageState,
    /// Whether it came after what was last read on this device.
    pub unread: bool,
    /// Everyone who can read it besides oneself: the conversation's others.
    pub readers: Vec<Contact>,
    /// When it disappears, by this device's clock, in milliseconds since 1970; `None`: it stays.
    pub disappears_at_ms: Option<u64>,
    /// How many devices of others could not take it any more. Only of one's own, on the device that sent it.
    pub missed_devices: u32,
}

/// Which of the messages in the mailbox are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Only those of this conversation.
    pub conversation: Option<ConversationId>,
    /// Whether one's own are among them.
    pub mine: bool,
    /// At most so many.
    pub limit: usize,
}

/// What is in a message.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// A text.
    Text(String),
    /// From here on messages disappear after so many seconds; `None`: they stay.
    Timer(Option<u32>),
    /// Something that a newer version of the application shows.
    NeedsNewerVersion,
    /// Its sender signed it, but it does not open: it was changed or swapped on the way.
    Unreadable,
}

/// Prints no text that a person wrote.
impl core::fmt::Debug for Body {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Timer(seconds) => write!(f, "Timer({seconds:?})"),
            Self::NeedsNewerVersion => f.write_str("NeedsNewerVersion"),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// What is said where somebody sets a conversation's timer.
pub fn timer_line(timer_s: Option<u32>) -> String {
    match timer_s {
        None => "Messages stay from here on".to_owned(),
        Some(seconds) => format!("Messages disappear after {} from here on", duration_words(seconds)),
    }
}

/// A duration in the largest unit that tells it exactly.
pub fn duration_words(seconds: u32) -> String {
    const UNITS: [(u32, &str); 5] =
        [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let unit = UNITS.iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let (unit, name) = unit.copied().unwrap_or((1, "second"));
    match seconds / unit {
        1 => format!("1 {name}"),
        count => format!("{count} {name}s"),
    }
}

/// How far a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageState {
    /// Somebody else's, received and verified.
    Received,
    /// One's own, safe on this device, waiting to be sent.
    Queued,
    /// One's own, on its way.
    Sending,
    /// One's own, on the server's disk.
    Sent,
    /// One's own, not sent. The text says why and what to do; it stays on this device until it is retried or discarded.
    Failed(String),
}

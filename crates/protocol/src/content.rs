//! What stands inside an envelope's body. The relay never sees it.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    id::MessageId,
    limits::{MAX_TEXT_BYTES, MAX_TIMER_S, MIN_TIMER_S},
};

/// Content, as JSON with a `type`. A type that this version does not know opens as [`Content::Unknown`]: the message
/// is shown as one that needs a newer version, and nothing is lost.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// What a person wrote.
    Text {
        /// The text, at most [`MAX_TEXT_BYTES`].
        text: String,
    },
    /// From here on messages of the conversation disappear after so long; 0: they stay.
    Timer {
        /// In seconds, within [`MIN_TIMER_S`](crate::limits::MIN_TIMER_S) and [`MAX_TIMER_S`](crate::limits::MAX_TIMER_S).
        seconds: u32,
    },
    /// Its author takes a message back, for everyone.
    Delete {
        /// Which.
        message: MessageId,
    },
    /// From one's own devices to each other, in the conversation with oneself: these messages were deleted here.
    Forget {
        /// Which.
        messages: Vec<MessageId>,
    },
    /// Of a later version.
    #[serde(other)]
    Unknown,
}

/// Why a text was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextRefused {
    /// Nothing but white space.
    #[error("Write something first")]
    Empty,
    /// Longer than [`MAX_TEXT_BYTES`].
    #[error("This message is too long: at most {MAX_TEXT_BYTES} bytes fit into one. Send it in parts")]
    TooLong,
}

/// Prints the type only: what a person wrote stays out of logs.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text { text: _ } => "Text(..)",
            Self::Timer { seconds: _ } => "Timer(..)",
            Self::Delete { message: _ } => "Delete(..)",
            Self::Forget { messages: _ } => "Forget(..)",
            Self::Unknown => "Unknown",
        })
    }
}

impl Content {
    /// What was received, as far as one may go by it: a timer outside of its limits is as unknown as a type of a later version.
    #[must_use]
    pub fn checked(self) -> Self {
        match self {
            Self::Timer { seconds } if seconds != 0 && !(MIN_TIMER_S..=MAX_TIMER_S).contains(&seconds) => {
                Self::Unknown
            }
            content => content,
        }
    }

    /// A text, as it was written, without the white space around it.
    ///
    /// # Errors
    /// [`TextRefused`].
    pub fn text(written: &str) -> Result<Self, TextRefused> {
        let text = written.trim();
        match text.len() {
            0 => Err(TextRefused::Empty),
            too_long if too_long > MAX_TEXT_BYTES => Err(TextRefused::TooLong),
            _ => Ok(Self::Text { text: text.to_owned() }),
        }
    }
}

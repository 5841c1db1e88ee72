//! What can come between the engine and its work, whatever the operation.

use crypto::device_log::LogRefused;
use protocol::{Code, Refusal};

use crate::{CallError, StoreUnavailable, VaultRefused};

/// Why an operation stopped. What was durable before stays; the same operation can be called again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    /// The session has ended: drop the account and ask for the password.
    #[error("Your session has ended: sign in again")]
    SessionEnded,
    /// The server cannot be reached: try again later, by and by less often.
    #[error("The server cannot be reached: check the connection, this device tries again by itself")]
    Unreachable,
    /// The server asks to wait: try again after [`Refusal::retry_after_s`], or as after [`Self::Unreachable`].
    #[error("{0}")]
    Busy(Refusal),
    /// The server refused for good: the same request would be refused again.
    #[error("{0}")]
    Refused(Refusal),
    /// The server's answer is not one that this version can use.
    #[error("The server's answer cannot be used: {0}")]
    BadAnswer(String),
    /// The device's own store failed.
    #[error(transparent)]
    Device(#[from] StoreUnavailable),
    /// The directory gives somebody a name that another account was met under: whoever is chosen by name would be
    /// somebody else.
    #[error(
        "The server gives somebody a name that belongs to another account: nothing was sent, ask who runs the server"
    )]
    NameOfAnother,
    /// The server shows a list of the account's own devices that is not the one that it showed before.
    #[error("The server shows a list of your devices that none of them wrote ({0}): ask who runs the server")]
    OwnLog(LogRefused),
    /// What the server returned as the account's vault is not what the account's devices put there.
    #[error(transparent)]
    Vault(#[from] VaultRefused),
}

impl Interruption {
    /// Whether trying again later makes sense without the user doing anything.
    pub fn passes_by_itself(&self) -> bool {
        match self {
            Self::Unreachable | Self::Busy(_) => true,
            Self::SessionEnded
            | Self::Refused(_)
            | Self::BadAnswer(_)
            | Self::Device(_)
            | Self::NameOfAnother
            | Self::OwnLog(_)
            | Self::Vault(_) => false,
        }
    }
}

impl From<CallError> for Interruption {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Unreachable => Self::Unreachable,
            CallError::BadAnswer(text) => Self::BadAnswer(text),
            CallError::Refused(refusal) => match refusal.code {
                // An engine sends its own envelopes only: the session has become another account's.
                Code::NotSignedIn | Code::NotTheSender => Self::SessionEnded,
                Code::Busy | Code::StoreUnavailable | Code::TooManyRequests | Code::Internal => {
                    Self::Busy(refusal)
                }
                _ => Self::Refused(refusal),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_somebodys_turn() {
        for code in Code::ALL {
            let interruption = Interruption::from(CallError::Refused(Refusal::new(*code)));
            let passes =
                matches!(code, Code::Busy | Code::StoreUnavailable | Code::TooManyRequests | Code::Internal);
            assert_eq!(interruption.passes_by_itself(), passes, "{code:?}");
            let ended = interruption == Interruption::SessionEnded;
            assert_eq!(ended, matches!(code, Code::NotSignedIn | Code::NotTheSender), "{code:?}");
        }
        assert!(Interruption::from(CallError::Unreachable).passes_by_itself());
    }
}

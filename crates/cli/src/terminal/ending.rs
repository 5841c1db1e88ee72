//! How a command ends.

use std::{fmt::Display, process::ExitCode};

use client::{
    AcceptKeyError, ComposeError, Contact, DeleteError, Interruption, OpenConversationError,
    RecoveryKeyRefused, ResetError, SealedVaultError, SettingsError, SignInError, SignUpError,
    StoreUnavailable, SyncError, TimerError,
};
use protocol::{Code, Refusal, password::PasswordRefused, second_factor::CodeRefused};
use store_device::CannotOpenRecords;

/// What a program that started the command goes by. Exit codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// It did what it was asked for.
    Done = 0,
    /// It could not.
    Failed = 1,
    /// It was not understood.
    Usage = 2,
    /// The server was not reached, or could not answer.
    Server = 3,
    /// Nobody is signed in, or the session has ended.
    NotSignedIn = 4,
    /// A key is not the one that was trusted.
    KeyChanged = 5,
    /// There is no such person or thing.
    NotFound = 6,
    /// Too many tries: wait.
    TooMany = 7,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) ending: Ending,
    pub(crate) said: Said,
}

/// What a person is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// One sentence.
    Text(String),
    /// That the server was not reached: whoever knows why adds it.
    Unreachable,
    /// Nothing: whoever should read it has left, or has been told already.
    Nothing,
}

impl Problem {
    pub(crate) fn new(ending: Ending, text: impl Display) -> Self {
        Self { ending, said: Said::Text(text.to_string()) }
    }

    pub(crate) fn failed(text: impl Display) -> Self {
        Self::new(Ending::Failed, text)
    }

    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Ending::Usage, text)
    }

    pub(crate) fn not_signed_in() -> Self {
        Self::new(Ending::NotSignedIn, "Nobody is signed in here: `secure-messaging login` comes first")
    }

    /// A contact's key has changed: the sentence goes on with what to do.
    pub(crate) fn key_changed(why: impl Display, contact: &Contact) -> Self {
        Self::new(
            Ending::KeyChanged,
            format!("{why}: `secure-messaging verify {} --accept`", contact.username),
        )
    }

    /// The words are on the screen already.
    pub(crate) fn silent(ending: Ending) -> Self {
        Self { ending, said: Said::Nothing }
    }
}

/// Whose turn it is when the server refuses.
fn of_code(code: Code) -> Ending {
    match code {
        Code::NotSignedIn => Ending::NotSignedIn,
        Code::NotFound | Code::UnknownRecipient => Ending::NotFound,
        Code::TooManyRequests | Code::QuotaExceeded => Ending::TooMany,
        Code::StaleKeys => Ending::KeyChanged,
        Code::Internal
        | Code::Busy
        | Code::MailUnavailable
        | Code::StoreUnavailable
        | Code::CrossSite
        | Code::MethodNotAllowed
        | Code::WrongMediaType
        | Code::Unknown => Ending::Server,
        Code::InvalidRequest
        | Code::InvalidEnvelope
        | Code::InvalidKeys
        | Code::WrongCredentials
        | Code::SecondFactorRequired
        | Code::WrongCode
        | Code::InvalidToken
        | Code::TokenExpired
        | Code::NotTheSender
        | Code::RegistrationClosed
        | Code::InviteRequired
        | Code::UsernameTaken
        | Code::AccountTaken
        | Code::MessageConflict
        | Code::SecondFactorConflict
        | Code::VersionConflict
        | Code::TooLarge => Ending::Failed,
    }
}

fn of_refusal(refusal: &Refusal) -> Problem {
    let ending = of_code(refusal.code);
    match refusal.retry_after_s {
        Some(_) if refusal.message.contains("try again in") => Problem::new(ending, refusal.to_string()),
        Some(seconds) => Problem::new(ending, format!("{refusal} (try again in {seconds} s)")),
        None => Problem::new(ending, refusal),
    }
}

impl From<Interruption> for Problem {
    fn from(interruption: Interruption) -> Self {
        match &interruption {
            Interruption::Unreachable => Self { ending: Ending::Server, said: Said::Unreachable },
            Interruption::Busy(refusal) | Interruption::Refused(refusal) => of_refusal(refusal),
            Interruption::SessionEnded => Self::new(
                Ending::NotSignedIn,
                "Your session has ended: `secure-messaging login` begins a new one",
            ),
            Interruption::BadAnswer(_) => Self::new(Ending::Server, &interruption),
            Interruption::Device(unavailable) => (*unavailable).into(),
            Interruption::NameOfAnother | Interruption::OwnLog(_) | Interruption::Vault(_) => {
                Self::new(Ending::KeyChanged, &interruption)
            }
        }
    }
}

impl From<StoreUnavailable> for Problem {
    fn from(StoreUnavailable: StoreUnavailable) -> Self {
        Self::failed("The profile cannot be written: is the disk full, or is the folder another user's?")
    }
}

impl From<CannotOpenRecords> for Problem {
    fn from(error: CannotOpenRecords) -> Self {
        Self::failed(error)
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Password(_) | SignUpError::UsernameTaken => Self::failed(error),
            SignUpError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials | SignInError::SecondFactorRequired | SignInError::WrongCode => {
                Self::failed(error)
            }
            SignInError::WeakerProtection | SignInError::AccountKey => Self::new(Ending::KeyChanged, error),
            SignInError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::WrongPassword
            | SettingsError::SecondFactorRequired
            | SettingsError::WrongCode
            | SettingsError::Password(_) => Self::failed(error),
            SettingsError::WeakerProtection => Self::new(Ending::KeyChanged, error),
            SettingsError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Token(_)
            | ResetError::SecondFactorRequired
            | ResetError::WrongCode
            | ResetError::Password(_) => Self::failed(error),
            ResetError::Vault(_) => Self::new(Ending::KeyChanged, error),
            ResetError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<RecoveryKeyRefused> for Problem {
    fn from(error: RecoveryKeyRefused) -> Self {
        match error {
            RecoveryKeyRefused::Typo(_) | RecoveryKeyRefused::OfAnother => Self::failed(error),
            RecoveryKeyRefused::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SealedVaultError> for Problem {
    fn from(error: SealedVaultError) -> Self {
        match error {
            SealedVaultError::WrongPassword => Self::failed(error),
            SealedVaultError::RecoveryKey(refused) => refused.into(),
            SealedVaultError::Damaged => Self::new(Ending::KeyChanged, error),
            SealedVaultError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Gap => Self::new(Ending::Server, error),
            SyncError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<OpenConversationError> for Problem {
    fn from(error: OpenConversationError) -> Self {
        match error {
            OpenConversationError::Nobody | OpenConversationError::TooMany => Self::usage(error),
            OpenConversationError::UnknownAccounts(_) => Self::new(Ending::NotFound, error),
            OpenConversationError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<ComposeError> for Problem {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Text(_) | ComposeError::UnknownConversation => Self::usage(error),
            ComposeError::NameUsed => Self::failed(error),
            ComposeError::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::UnknownMessage => Self::new(Ending::NotFound, error),
            DeleteError::NotYours | DeleteError::Timer => Self::failed(error),
            DeleteError::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<TimerError> for Problem {
    fn from(error: TimerError) -> Self {
        match error {
            TimerError::OutOfRange | TimerError::UnknownConversation => Self::usage(error),
            TimerError::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<AcceptKeyError> for Problem {
    fn from(error: AcceptKeyError) -> Self {
        match error {
            AcceptKeyError::ChangedAgain => Self::new(Ending::KeyChanged, error),
            AcceptKeyError::NothingOffered => Self::failed(error),
            AcceptKeyError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<PasswordRefused> for Problem {
    fn from(error: PasswordRefused) -> Self {
        Self::failed(error)
    }
}

impl From<CodeRefused> for Problem {
    fn from(error: CodeRefused) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_tell_endings_apart_by_their_codes() {
        let endings = [
            Ending::Done,
            Ending::Failed,
            Ending::Usage,
            Ending::Server,
            Ending::NotSignedIn,
            Ending::KeyChanged,
            Ending::NotFound,
            Ending::TooMany,
        ];
        assert_eq!(endings.map(|ending| ending as u8), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn an_error_of_the_engine_ends_a_command_as_its_name_says() {
        let refused =
            |code: Code| Problem::from(Interruption::from(client::CallError::from(Refusal::new(code))));
        assert_eq!(refused(Code::NotSignedIn).ending, Ending::NotSignedIn);
        assert_eq!(refused(Code::UnknownRecipient).ending, Ending::NotFound);
        assert_eq!(refused(Code::TooManyRequests).ending, Ending::TooMany);
        assert_eq!(refused(Code::Busy).ending, Ending::Server);
        assert_eq!(Problem::from(Interruption::Unreachable).ending, Ending::Server);
        assert_eq!(Problem::from(SignInError::WrongCredentials).ending, Ending::Failed);
        assert_eq!(Problem::from(Interruption::NameOfAnother).ending, Ending::KeyChanged);
        let waiting = Interruption::Busy(Refusal::new(Code::TooManyRequests).retry_after(7));
        let said = Said::Text("Too many attempts: wait a little (try again in 7 s)".to_owned());
        assert_eq!(Problem::from(waiting).said, said);
    }
}

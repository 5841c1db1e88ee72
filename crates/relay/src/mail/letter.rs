use crypto::{
    id::AccountId,
    one_time::{EmailToken, ResetToken},
};
use protocol::{EmailAddress, Username};
use serde::{Deserialize, Serialize};

/// A mail that is to be sent now.
#[derive(Clone, Debug)]
pub struct OutgoingMail {
    /// Its number in the queue.
    pub mail: u64,
    /// How often it was tried before.
    pub tries: u32,
    /// When it makes no sense any more.
    pub expires_at_ms: u64,
    /// Where it goes.
    pub to: EmailAddress,
    /// What it says.
    pub letter: Letter,
}

/// What a mail says; the face puts it into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// Here are the tokens that reset the passwords of the accounts of this address. They are good for an hour.
    ResetPassword {
        /// Each account with its token.
        accounts: Vec<(Username, ResetToken)>,
    },
    /// Here is the token that confirms this address. It is good for a day.
    ConfirmEmail {
        /// Whose address it is to be.
        username: Username,
        /// The token.
        token: EmailToken,
    },
    /// Something happened to the account.
    Notice {
        /// Whose.
        username: Username,
        /// What.
        event: Event,
        /// When, in milliseconds since 1970.
        at_ms: u64,
    },
}

/// What an account's owner is told by mail, in case that it was somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A session began.
    SignedIn {
        /// What it is called.
        device_name: String,
    },
    /// The password was changed by somebody who knew it.
    PasswordChanged,
    /// The password was reset by a token.
    PasswordReset {
        /// Whether the keys, and with them what was written, stayed.
        keys_kept: bool,
    },
    /// Somebody who knew the password asked for another address; it counts once it is confirmed.
    EmailChangeAsked,
    /// Mails go to another address from now on, or to none.
    EmailChanged,
    /// A code is asked for from now on.
    SecondFactorOn,
    /// No code is asked for any more.
    SecondFactorOff,
    /// Codes were tried until no more were taken, by somebody who knew the password or held a reset mail.
    ManyWrongCodes,
    /// A recovery code was used in the place of a code.
    RecoveryCodeUsed,
    /// No mail tells of new sign-ins any more.
    LoginMailsOff,
    /// There is a new recovery key.
    RecoveryKeyChanged,
    /// The account was deleted.
    AccountDeleted,
}

/// A mail as it waits: without tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mail", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Queued {
    /// Somebody says that they have forgotten the password of the accounts of this address.
    Forgotten { email: EmailAddress },
    /// An account wishes for another address.
    ConfirmEmail { account: AccountId },
    /// Something happened.
    Notice { to: EmailAddress, username: Username, event: Event, at_ms: u64 },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_what_waits_is_frozen() {
        let email: EmailAddress = "alice@example.org".parse().unwrap();
        let username: Username = "alice".parse().unwrap();
        let device_name = "Firefox on Linux".to_owned();
        for (queued, json) in [
            (
                Queued::Forgotten { email: email.clone() },
                r#"{"mail":"forgotten","email":"alice@example.org"}"#,
            ),
            (
                Queued::ConfirmEmail { account: AccountId::from_bytes([0xa1; 16]) },
                r#"{"mail":"confirm_email","account":"oaGhoaGhoaGhoaGhoaGhoQ"}"#,
            ),
            (
                Queued::Notice { to: email, username, event: Event::SignedIn { device_name }, at_ms: 7 },
                r#"{"mail":"notice","to":"alice@example.org","username":"alice","event":{"signed_in":{"device_name":"Firefox on Linux"}},"at_ms":7}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&queued).unwrap(), json);
            assert_eq!(serde_json::from_str::<Queued>(json).unwrap(), queued);
        }
    }
}

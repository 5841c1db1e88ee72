//! Refusals: why a call was not answered. Codes are stable; texts are for the person who reads them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::id::AccountId;

/// Why a call was not answered, as JSON in the body of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What programs match on.
    pub code: Code,
    /// What people read: what happened, and what to do.
    pub message: Cow<'static, str>,
    /// Seconds to wait before trying again; also in the header `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// The accounts that the refusal is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountId>,
    /// The request's id in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $status:literal, $message:literal;)*) => {
        /// A stable code. [`Code::status`] is its HTTP status, [`Code::message`] what is said when nothing more precise is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $code,)*
            /// A code of a later version.
            #[serde(other)]
            Unknown,
        }

        impl Code {
            /// All codes of this version.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$code => $status,)*
                    Self::Unknown => 500,
                }
            }

            /// What is said when nothing more precise is.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$code => $message,)*
                    Self::Unknown => "The server refused this for a reason that this version does not know",
                }
            }
        }
    };
}

codes! {
    /// The request is not of the form that its call asks for.
    InvalidRequest = 400, "The request is not valid";
    /// The envelope does not parse, or its signature does not hold.
    InvalidEnvelope = 400, "The envelope is not valid";
    /// A key is weak, malformed, or not signed as it must be.
    InvalidKeys = 400, "The keys are not valid";
    /// There is no session, or it has ended.
    NotSignedIn = 401, "Sign in first";
    /// The name or the password is wrong; which of them is not said.
    WrongCredentials = 401, "Wrong username or password";
    /// The password is right, and a code is asked for besides.
    SecondFactorRequired = 401, "Enter the code of your authenticator";
    /// The code is wrong, used up, or of another time.
    WrongCode = 401, "Invalid TOTP token";
    /// The token is wrong, used up, or replaced by a newer one.
    InvalidToken = 400, "This link is not valid any more: ask for a new one";
    /// The token was good once, for an hour.
    TokenExpired = 400, "Reset token has expired";
    /// The request comes from another site.
    CrossSite = 403, "This request comes from another site";
    /// The envelope names another sender than the caller.
    NotTheSender = 403, "An envelope is sent by the account that signed it";
    /// Nobody may make an account here.
    RegistrationClosed = 403, "This server takes no new accounts";
    /// An account takes an invitation, and there is none, or it is used up or over.
    InviteRequired = 403, "An account on this server takes an invitation: ask who runs it for a link";
    /// There is no such thing, or it is not the caller's.
    NotFound = 404, "Not found";
    /// One or more recipients do not exist: see `accounts`.
    UnknownRecipient = 404, "Recipient not found";
    /// The path is another method's.
    MethodNotAllowed = 405, "This path is called with another method";
    /// The name belongs to somebody.
    UsernameTaken = 409, "User already exists";
    /// The account's id is in use.
    AccountTaken = 409, "This account id is in use: draw another";
    /// Another envelope was stored under this message id.
    MessageConflict = 409, "Another message was sent under this id";
    /// The envelope is sealed to keys that are not the recipients' current ones: see `accounts`, fetch them again.
    StaleKeys = 409, "The keys of a recipient have changed";
    /// There is no second factor, or it is on already.
    SecondFactorConflict = 409, "The second factor was changed elsewhere: look at your settings again";
    /// The row's version is taken: fetch the row and try again.
    VersionConflict = 409, "This row was changed elsewhere meanwhile";
    /// The body is over its limit.
    TooLarge = 413, "The request is too large";
    /// The body is not `application/json`.
    WrongMediaType = 415, "The body must be application/json";
    /// A limit of the account.
    QuotaExceeded = 429, "A limit of this account is reached";
    /// Too many tries: see `retry_after_s`.
    TooManyRequests = 429, "Too many attempts: wait a little";
    /// Something went wrong that is not the caller's fault; the server's log tells more under the request's id.
    Internal = 500, "Something went wrong on the server: nothing was lost, try again";
    /// The server has too much to do: see `retry_after_s`.
    Busy = 503, "The server is busy: try again in a moment";
    /// The server has no way to send mail.
    MailUnavailable = 503, "This server cannot send mail: ask who runs it for a link";
    /// The server cannot write: its disk is full, or its database is locked.
    StoreUnavailable = 503, "The server cannot store anything at the moment: try again in a moment";
}

impl Refusal {
    /// A refusal with its code's text.
    pub fn new(code: Code) -> Self {
        Self::because(code, code.message())
    }

    /// A refusal with a more precise text.
    pub fn because(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), retry_after_s: None, accounts: Vec::new(), request_id: None }
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Says which accounts it is about.
    #[must_use]
    pub fn about(mut self, accounts: Vec<AccountId>) -> Self {
        self.accounts = accounts;
        self
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

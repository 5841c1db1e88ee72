//! Accounts and sessions.

use core::fmt;

use crypto::{
    account_key::WrappedAccountKey,
    identity::IdentityPublic,
    kdf::{AuthKey, KdfParams},
    one_time::InviteToken,
    prekey::SignedPrekey,
};
use serde::{Deserialize, Serialize};

use crate::{
    Binary, Cursor, EmailAddress, SessionId, Username, id::AccountId, second_factor::SecondFactorCode, text,
    vault::NewRow,
};

/// Asks how a name's password is stretched. An unknown name gets an answer too, always the same one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prelogin {
    /// The name.
    pub username: Username,
}

/// How the password is stretched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreloginAnswer {
    /// Algorithm, iterations and salt; the device refuses what is below its floor.
    pub kdf: KdfParams,
}

/// Makes an account and begins its first session.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The account's id, drawn by the device: the prekey's signature and the wraps are bound to it.
    pub account: AccountId,
    /// The name, free in any spelling of its case.
    pub username: Username,
    /// Where a password reset may be mailed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// An invitation, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<InviteToken>,
    /// How the password was stretched.
    pub kdf: KdfParams,
    /// The half of the password that the server may check.
    pub auth_key: AuthKey,
    /// The account key, sealed by the password.
    pub wrapped_by_password: WrappedAccountKey,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// The public identity key.
    pub identity: IdentityPublic,
    /// The first prekey, signed by the identity key.
    pub prekey: SignedPrekey,
    /// The first vault rows: the seeds of both.
    pub vault: Vec<NewRow>,
    /// What the session is called in the list of sessions.
    #[serde(deserialize_with = "text::string")]
    pub device_name: String,
}

/// Prints who registers, and nothing that they own.
impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            username,
            email: _,
            invite: _,
            kdf: _,
            auth_key: _,
            wrapped_by_password: _,
            wrapped_by_recovery_key: _,
            identity: _,
            prekey: _,
            vault: _,
            device_name: _,
        } = self;
        write!(f, "Register {{ account: {account}, username: {username}, .. }}")
    }
}

/// Proves the password and begins a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The name.
    pub username: Username,
    /// The half of the password that the server may check.
    pub auth_key: AuthKey,
    /// A code, where the second factor is on; without one the answer asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecondFactorCode>,
    /// What the session is called in the list of sessions.
    #[serde(deserialize_with = "text::string")]
    pub device_name: String,
}

/// Asks who is signed in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentSession {}

/// A session, and what its device needs to open the account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedIn {
    /// Whose session it is.
    pub account: AccountId,
    /// The account's name.
    pub username: Username,
    /// The session.
    pub session: SessionId,
    /// The session's token for programs; browsers get it in a cookie that scripts cannot read, and `None` here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The server's half of the key that keeps a reloaded page unlocked (32 bytes). It dies with the session.
    pub unlock_half: Binary,
    /// How the password is stretched.
    pub kdf: KdfParams,
    /// The account key, sealed by the password; only right after the password was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped_by_password: Option<WrappedAccountKey>,
    /// The end of the account's mailbox.
    pub mailbox_end: Cursor,
}

/// Prints whose session it is: the token and the unlock half are as good as the session itself.
impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account,
            username,
            session,
            token: _,
            unlock_half: _,
            kdf: _,
            wrapped_by_password: _,
            mailbox_end,
        } = self;
        write!(
            f,
            "SignedIn {{ account: {account}, username: {username}, session: {session}, \
             mailbox_end: {mailbox_end}, .. }}"
        )
    }
}

/// Ends the session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logout {}

/// The session is over, on every machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedOut {}

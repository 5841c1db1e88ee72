//! A new password by a mail: who gets in again, and what stays.
//!
//! Getting in takes the token from the mail (and a code, where the second factor is on). What was written stays readable
//! when the device has the account key: from the recovery key, or because it is still signed in. Else the account begins
//! anew with other keys, and its old vault is kept sealed until somebody opens it.

use core::fmt;

use crypto::{
    account_key::WrappedAccountKey,
    identity::IdentityPublic,
    kdf::{AuthKey, KdfParams},
    one_time::ResetToken,
    prekey::SignedPrekey,
    reset_proof::ResetProof,
};
use serde::{Deserialize, Serialize};

use crate::{
    EmailAddress, Username,
    id::AccountId,
    second_factor::SecondFactorCode,
    vault::{NewRow, Row},
};

/// Asks for a mail with a token, to everyone who has an account with this address. The answer is the same whether
/// there is one or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgotPassword {
    /// The address.
    pub email: EmailAddress,
}

/// If there is an account, a mail is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailRequested {}

/// Asks what a token is for. It stays good.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckReset {
    /// The token.
    pub token: ResetToken,
}

/// Whose password it resets, and what a device needs to keep what was written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetChecked {
    /// Whose.
    pub account: AccountId,
    /// The account's name.
    pub username: Username,
    /// Whether a code is asked for.
    pub second_factor: bool,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// The vault row of the identity key: the account key opens it.
    pub identity_row: Row,
    /// The current prekey: a new one counts up from it.
    pub prekey: SignedPrekey,
}

/// Prints whose it is.
impl fmt::Debug for ResetChecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, username, second_factor, wrapped_by_recovery_key: _, identity_row: _, prekey: _ } =
            self;
        write!(
            f,
            "ResetChecked {{ account: {account}, username: {username}, second_factor: {second_factor}, .. }}"
        )
    }
}

/// Sets a new password. The token is used up, and every session ends.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedeemReset {
    /// The token.
    pub token: ResetToken,
    /// A code, where the second factor is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecondFactorCode>,
    /// How the new password is stretched.
    pub kdf: KdfParams,
    /// The half of it that the server may check.
    pub auth_key: AuthKey,
    /// The account key (the old one, or a new one), sealed by the new password.
    pub wrapped_by_password: WrappedAccountKey,
    /// What becomes of the keys.
    pub keys: ResetKeys,
}

/// Prints what becomes of the keys, and nothing that is secret.
impl fmt::Debug for RedeemReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token: _, code: _, kdf: _, auth_key: _, wrapped_by_password: _, keys } = self;
        f.write_str(match keys {
            ResetKeys::Keep { .. } => "RedeemReset { keys: Keep, .. }",
            ResetKeys::Replace(_) => "RedeemReset { keys: Replace, .. }",
        })
    }
}

/// What becomes of the account's keys at a reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResetKeys {
    /// They stay, and with them everything that was written: the device has the account key.
    Keep {
        /// The identity key vouches for the new password.
        proof: ResetProof,
    },
    /// They are lost: the account gets new ones, and its old vault is put away, sealed as it is.
    Replace(Box<NewKeys>),
}

/// The keys of an account that begins anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKeys {
    /// The new account key, sealed by the new recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// The new identity key.
    pub identity: IdentityPublic,
    /// Its first prekey; its id and its sequence are above those of the old one.
    pub prekey: SignedPrekey,
    /// The first rows of the new vault: the seeds of both.
    pub vault: Vec<NewRow>,
}

/// The new password is set. Signing in comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// Whose it is.
    pub username: Username,
}

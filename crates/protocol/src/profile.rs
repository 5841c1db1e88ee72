//! What an account knows of itself, and how its owner changes it.

use crypto::{
    account_key::WrappedAccountKey,
    kdf::{AuthKey, KdfParams},
    one_time::EmailToken,
};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{EmailAddress, Username, proof::Proof};

/// Asks for the caller's own profile.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchProfile {}

/// What the settings show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The account's name.
    pub username: Username,
    /// When it was made, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// Where mails go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// An address that is to take its place once it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_email: Option<EmailAddress>,
    /// Whether a mail tells of each new sign-in.
    pub login_mails: bool,
    /// Whether the second factor is on, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_factor_since_ms: Option<u64>,
    /// Recovery codes that were not used yet.
    pub recovery_codes_left: u32,
    /// When the recovery key was made.
    pub recovery_key_made_at_ms: u64,
    /// Vaults that were put away by a reset without their keys, the oldest first.
    pub sealed_vaults: Vec<SealedVault>,
}

/// A vault that a reset put away: its keys open with the password or the recovery key of that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedVault {
    /// Which, counted from 1.
    pub number: u32,
    /// When it was put away, in milliseconds since 1970.
    pub sealed_at_ms: u64,
    /// How the password of that time was stretched.
    pub kdf: KdfParams,
}

/// Sets a new password: the account key is sealed anew, all other sessions end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The old password (and a code) once more.
    pub proof: Proof,
    /// How the new one is stretched.
    pub kdf: KdfParams,
    /// The half of it that the server may check.
    pub auth_key: AuthKey,
    /// The account key, sealed by it.
    pub wrapped_by_password: WrappedAccountKey,
}

/// Sends a mail to a new address; once its link was followed, it takes the place of the old one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeEmail {
    /// The password (and a code) once more.
    pub proof: Proof,
    /// The address; `None` (in JSON `null`) removes the one that there is, at once.
    #[serde(deserialize_with = "present")]
    pub email: Option<EmailAddress>,
}

/// A field that may be `null`, and may not be missing: what is forgotten must not remove anything.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Shows that the new address is read: it takes the place of the old one, which gets a notice.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmEmail {
    /// What stood in the mail.
    pub token: EmailToken,
}

/// The address is the account's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailConfirmed {
    /// Whose.
    pub username: Username,
    /// Which.
    pub email: EmailAddress,
}

/// Says whether a mail tells of each new sign-in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLoginMails {
    /// Whether it does.
    pub login_mails: bool,
}

/// Asks for the account key, sealed by the recovery key: for testing whether a recovery key is the right one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRecoveryWrap {}

/// The account key, sealed by the recovery key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryWrap {
    /// The wrap.
    pub wrapped_by_recovery_key: WrappedAccountKey,
}

/// Puts a new recovery key in the place of the old one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeRecoveryKey {
    /// The password (and a code) once more.
    pub proof: Proof,
    /// The account key, sealed by the new recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
}

/// Deletes the account: keys, vault, mailbox, sessions. Nothing brings it back; its name is never given away again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    /// The password (and a code) once more.
    pub proof: Proof,
}

/// It is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {}

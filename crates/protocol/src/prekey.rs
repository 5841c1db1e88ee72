//! Prekeys: published in advance, claimed by who writes, and dead after one message (but the signed one, which stands in
//! when none is left, and dies when the next takes its place).

use crypto::{
    id::{DeviceId, PrekeyId},
    prekey::SignedPrekey,
};
use serde::{Deserialize, Serialize};

use crate::{Cursor, id::AccountId};

/// Publishes prekeys. What is published already, byte for byte, is no error: a lost answer costs nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishPrekeys {
    /// A signed prekey that takes the place of the one that stands: its id and its sequence are higher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<SignedPrekey>,
    /// One-time prekeys of the account, their ids ascending and higher than all before, at most
    /// [`MAX_PREKEYS_AT_ONCE`](crate::limits::MAX_PREKEYS_AT_ONCE).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_time: Vec<SignedPrekey>,
    /// Prekeys of the calling session's device, in the same way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device: Vec<SignedPrekey>,
    /// Whether the account's one-time prekeys that nobody has claimed are taken back first: a device that has their private
    /// halves was revoked.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub replace: bool,
}

/// They are on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrekeysPublished {}

/// Asks how the caller's prekeys and archive stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchPrekeyStatus {
    /// Up to where the device has looked for what is not archived; 0 for nowhere.
    pub archived_to: Cursor,
}

/// What is due is for the device to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrekeyStatus {
    /// The signed prekey that stands.
    pub signed: SignedPrekey,
    /// Since when, in milliseconds since 1970.
    pub signed_at_ms: u64,
    /// One-time prekeys of the account that nobody has claimed.
    pub one_time_left: u32,
    /// The highest id of a one-time prekey that was ever published; 0 before the first.
    pub last_one_time: u32,
    /// The device of the calling session, of which the rest speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Prekeys of that device that nobody has claimed.
    pub device_left: u32,
    /// The highest id of a prekey that this device ever published; 0 before the first.
    pub last_device: u32,
    /// The one-time prekeys of the account that somebody may still write to, ascending: unclaimed, or claimed and not used.
    /// What has a lower id than [`Self::last_one_time`] and is not among them has served.
    pub one_time_outstanding: Vec<PrekeyId>,
    /// The same of this device.
    pub device_outstanding: Vec<PrekeyId>,
    /// The lowest place of the mailbox after [`FetchPrekeyStatus::archived_to`] whose key is not archived yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_unarchived: Option<Cursor>,
    /// What time it is on the server, in milliseconds since 1970.
    pub now_ms: u64,
}

/// Takes a prekey of each of these accounts, or of each device of theirs: nobody else gets them any more. At most
/// [`MAX_RECIPIENTS`](crypto::envelope::MAX_RECIPIENTS) accounts at once. Who claims too many gets none for a while, and
/// writes to the signed prekeys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimPrekeys {
    /// Whose.
    pub accounts: Vec<AccountId>,
    /// Whether a prekey of each of their devices is wanted, for a message that disappears.
    pub of_devices: bool,
}

/// What was claimed. For [`CLAIM_LIFETIME_MS`](crate::limits::CLAIM_LIFETIME_MS) they can be written to, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedPrekeys {
    /// In no particular order; nothing of an account or device that has none left.
    pub prekeys: Vec<ClaimedPrekey>,
}

/// A prekey that was claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimedPrekey {
    /// Whose.
    pub account: AccountId,
    /// Of which device, if not of all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// The prekey: to be verified.
    pub prekey: SignedPrekey,
}

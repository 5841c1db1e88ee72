use async_trait::async_trait;
use crypto::{
    id::{AccountId, DeviceId, Fingerprint, PrekeyId},
    prekey::SignedPrekey,
};
use protocol::Cursor;

use super::StoreError;

/// How many numbers of one-time prekeys a copy that was put back passes over in each pool: more than an account publishes
/// between a copy and its return. What was sealed to a number since then must not be taken for one that is given anew.
pub const PASSED_OVER: u32 = 10_000;

/// Prekeys: a signed one for each account, and pools of such as serve once, of accounts and of devices.
#[async_trait]
pub trait Prekeys: Send + Sync {
    /// Takes checked prekeys: all of them or none.
    async fn publish_prekeys(
        &self,
        account: AccountId,
        new: NewPrekeys,
    ) -> Result<PublishOutcome, StoreError>;

    /// How the account's prekeys stand, and those of this device; those that were published before `published_after_ms` are
    /// not left, as nobody gets them. `None`: there is no such account.
    async fn prekey_status(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        archived_to: Cursor,
        published_after_ms: u64,
    ) -> Result<Option<StoredPrekeyStatus>, StoreError>;

    /// The prekeys of the account's pool, or of this device's, that somebody may still write to, ascending: unclaimed and
    /// published since then, or claimed since then.
    async fn outstanding_prekeys(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        published_after_ms: u64,
        claimed_after_ms: u64,
    ) -> Result<Vec<PrekeyId>, StoreError>;

    /// Hands out a prekey of each account's pool, or of each of its devices' pools: the one with the lowest id that nobody
    /// has claimed and that was not published before `published_after_ms`. No prekey is handed out twice, and none of a pool of
    /// which the claimer has [`Claim::most_unused`]. Those that are older than that are forgotten, and so are claims that are:
    /// they hold no room.
    async fn claim_prekeys(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError>;
}

/// Prekeys that are published.
#[derive(Clone, Debug)]
pub struct NewPrekeys {
    /// Under which identity key they were checked: another one that stands meanwhile is a conflict.
    pub identity: Fingerprint,
    /// Takes the place of the signed prekey if its sequence and its id are higher.
    pub signed: Option<SignedPrekey>,
    /// For the account's pool, ids ascending.
    pub one_time: Vec<SignedPrekey>,
    /// Whether those of the account's pool that nobody has claimed go first, but for those that are published here again.
    pub replace: bool,
    /// For a device's pool, ids ascending.
    pub device: Option<(DeviceId, Vec<SignedPrekey>)>,
    /// When.
    pub at_ms: u64,
    /// What was published before that time holds no room.
    pub published_after_ms: u64,
    /// Most that a pool holds unclaimed.
    pub room: u32,
}

/// How publishing came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishOutcome {
    /// They stand. Those of a pool whose ids are not above all that were ever published there were taken for a repetition,
    /// and left out; so was the signed prekey that stands already, byte for byte.
    Done,
    /// The signed prekey does not count on from the one that stands, or there is no such account. Nothing was written.
    Conflict,
    /// A pool is full. Nothing was written.
    Full,
}

/// How prekeys stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPrekeyStatus {
    /// The signed prekey.
    pub signed: SignedPrekey,
    /// Since when it stands.
    pub signed_at_ms: u64,
    /// Unclaimed in the account's pool.
    pub one_time_left: u32,
    /// The highest id ever published there; 0 before the first.
    pub last_one_time: u32,
    /// Unclaimed in the device's pool.
    pub device_left: u32,
    /// The highest id ever published there; 0 before the first.
    pub last_device: u32,
    /// The lowest place of the mailbox, after the one that was given, that [waits to be archived](super::ItemState::Sealed).
    pub first_unarchived: Option<Cursor>,
}

/// Who claims what.
#[derive(Clone, Debug)]
pub struct Claim {
    /// For whom.
    pub by: AccountId,
    /// Whose.
    pub accounts: Vec<AccountId>,
    /// Whether of their devices.
    pub of_devices: bool,
    /// When.
    pub at_ms: u64,
    /// Those that were published before are not handed out.
    pub published_after_ms: u64,
    /// The device that claims, which writes nothing to itself: none of its own are handed out.
    pub by_device: Option<DeviceId>,
    /// How many of one pool the claimer may hold that no message has used.
    pub most_unused: u32,
}

/// A prekey that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Whose.
    pub account: AccountId,
    /// Of which device.
    pub device: Option<DeviceId>,
    /// The prekey.
    pub prekey: SignedPrekey,
}

/// A prekey that an envelope is sealed to and that serves once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedPrekey {
    /// Whose.
    pub account: AccountId,
    /// Of which device.
    pub device: Option<DeviceId>,
    /// Which.
    pub id: PrekeyId,
}

//! What the device keeps for itself: the names of its records, and what is in them. All but the vault's rows (which are
//! sealed already) are JSON sealed under the cache key, bound to their name.
//!
//! ```text
//! {account}/start                    how far the mailbox counted as read when the account came to this device
//! {account}/row/{kind}/{key id}      a vault row, as the relay last gave it
//! {account}/contact/{account}        the name of a contact, and a key of theirs that is not accepted
//! {account}/conversation/{id}        who is in a conversation
//! {account}/read/{id}                how far a conversation was read
//! {account}/delivery/{cursor}        what became of one delivery; the cursor is the end of the run without a gap
//! {account}/aside/{message}          a message that the server has lost
//! {account}/draft/{message}          a message that waits to be sent
//! {account}/sealed/{message}/{n}     its n-th sealing, the same for all tabs
//! {account}/failed/{message}         why it was not sent
//! {account}/sessions                 the sessions that the account's owner knows of
//! {account}/device                   which device this is, and its key
//! {account}/device-prekey/{device}/{id}    the seed of a prekey that only this device has
//! {account}/log/{account}/{identity} a device log, as far as it was verified
//! {account}/archived-to              up to where everything was archived that can be
//! {account}/repairs                  what was mended, for whoever looks for the cause of something
//! kdf/{username}                     the most iterations that were ever asked for
//! ```

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
};

use crypto::{
    device_log::LogEntry,
    id::{AccountId, ConversationId, DeviceId, EnvelopeHash, Fingerprint, LogHash, MessageId, PrekeyId},
    identity::IdentityPublic,
    vault::CacheKey,
};
use protocol::{
    Binary, Cursor, SessionId, Username, content::Content, mailbox::ArchivedKey, vault::VaultKind,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    Device, StoreUnavailable,
    device::{Change, DeviceRng},
};

/// Seals and opens the records of one account on this device.
pub(crate) struct Records {
    account: AccountId,
    key: CacheKey,
    /// Set when the account logs out: what is still under way writes nothing any more.
    closed: AtomicBool,
}

/// Who is in a conversation, and since when it is in the list.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptConversation {
    pub(crate) members: Vec<AccountId>,
    pub(crate) opened_at_ms: u64,
}

/// What the directory said about an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptContact {
    pub(crate) username: Username,
    /// The key that the directory offers now, if it is not the accepted one.
    pub(crate) offered: Option<IdentityPublic>,
    /// Whether the server shows another device log of the accepted key than the one that was seen.
    #[serde(default)]
    pub(crate) other_log: bool,
    /// Whether the directory says that the account was deleted.
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// What became of one delivery.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "was", rename_all = "snake_case")]
pub(crate) enum KeptDelivery {
    /// It is a message.
    Message(KeptMessage),
    /// It waits, unopened, for a key of this account: of its sender, when that one's key is not accepted; of oneself, when
    /// it is sealed to keys from before a reset.
    Held {
        sender: AccountId,
        received_at_ms: u64,
        shared: Binary,
        seal: Binary,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        archived: Option<ArchivedKey>,
    },
    /// It was malformed, forged, meant for somebody else, or a repetition.
    Dropped,
    /// It was deleted, or has disappeared; what it proved is still known.
    Erased(Traces),
    /// It disappears, and was sealed to other devices than this one.
    Elsewhere,
}

impl KeptDelivery {
    /// The name of what stands, or stood, at its place.
    pub(crate) fn name(&self) -> Option<EnvelopeHash> {
        match self {
            Self::Message(message) => message.hash,
            Self::Erased(traces) => traces.hash,
            Self::Held { .. } | Self::Dropped | Self::Elsewhere => None,
        }
    }
}

/// An account spoke of its device log under this identity key, up to this position, where it had this head.
pub(crate) type Heard = (AccountId, Fingerprint, u32, LogHash);

/// What a message that is gone has proved: nothing of what was in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traces {
    /// The name of what stood there: another one in its place is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<EnvelopeHash>,
    /// Who spoke first of their own device log up to this position, under which identity key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<Heard>,
    /// The one-time prekeys that it used up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) used: Vec<(Fingerprint, PrekeyId)>,
}

impl Traces {
    /// Those of a message.
    pub(crate) fn of(message: &KeptMessage) -> Self {
        let log = message.log.map(|(identity, position, head)| (message.sender, identity, position, head));
        Self { hash: message.hash, log, used: message.used.clone() }
    }
}

/// A received message; its conversation's members stand in [`KeptConversation`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptMessage {
    pub(crate) conversation: ConversationId,
    pub(crate) message: MessageId,
    pub(crate) sender: AccountId,
    /// `None`: it did not open.
    pub(crate) hash: Option<EnvelopeHash>,
    pub(crate) sent_at_ms: u64,
    pub(crate) received_at_ms: u64,
    /// `None`: it did not open.
    pub(crate) content: Option<Content>,
    /// When it is to be gone, by this device's clock; `None`: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gone_at_ms: Option<u64>,
    /// After how long it disappears, in seconds; 0: it stays.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) timer_s: u32,
    /// How far the sender knew their own device log, and by which identity key it was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<(Fingerprint, u32, LogHash)>,
    /// The prekeys that it used up, by the identity keys that signed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) used: Vec<(Fingerprint, PrekeyId)>,
    /// Its content key as it is archived on the server, to be given back to a server that has lost it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) archived: Option<ArchivedKey>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A message that waits to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptDraft {
    pub(crate) conversation: ConversationId,
    /// Counted up with every message written on this device, and never below the time.
    pub(crate) order: u64,
    pub(crate) written_at_ms: u64,
    pub(crate) content: Content,
    /// After how long it disappears, in seconds; 0: it stays. Missing in what an earlier version kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) timer_s: u32,
}

/// One sealing of a message.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptSealing {
    pub(crate) envelope: Binary,
    /// The sender's own copy of the key; `None` where the message disappears.
    pub(crate) archived: Option<ArchivedKey>,
    /// How many devices of others could not take it.
    pub(crate) missed: u32,
}

/// Which device this is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptDevice {
    pub(crate) device: DeviceId,
    pub(crate) seed: Binary,
    /// The session under which the relay knows that.
    pub(crate) session: Option<SessionId>,
}

/// A device log as far as it was verified.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct KeptLog {
    pub(crate) entries: Vec<LogEntry>,
    /// The devices that had ended in a log which this one took the place of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) ended: BTreeSet<DeviceId>,
}

impl Records {
    pub(crate) fn new(account: AccountId, key: CacheKey) -> Self {
        Self { account, key, closed: AtomicBool::new(false) }
    }

    /// The beginning of all names of this account.
    fn all(&self) -> String {
        all_of(self.account)
    }

    pub(crate) fn start(&self) -> String {
        format!("{}/start", self.account)
    }

    pub(crate) fn sessions(&self) -> String {
        format!("{}/sessions", self.account)
    }

    pub(crate) fn device(&self) -> String {
        format!("{}/device", self.account)
    }

    pub(crate) fn all_device_prekeys(&self) -> String {
        format!("{}/device-prekey/", self.account)
    }

    pub(crate) fn device_prekeys(&self, device: DeviceId) -> String {
        format!("{}/device-prekey/{device}/", self.account)
    }

    /// Ten digits, so that the order of names is the order of ids.
    pub(crate) fn device_prekey(&self, device: DeviceId, id: PrekeyId) -> String {
        format!("{}/device-prekey/{device}/{:010}", self.account, id.0)
    }

    pub(crate) fn log(&self, of: AccountId, identity: Fingerprint) -> String {
        format!("{}/log/{of}/{identity}", self.account)
    }

    pub(crate) fn all_aside(&self) -> String {
        format!("{}/aside/", self.account)
    }

    pub(crate) fn aside(&self, message: MessageId) -> String {
        format!("{}/aside/{message}", self.account)
    }

    pub(crate) fn archived_to(&self) -> String {
        format!("{}/archived-to", self.account)
    }

    /// What was heard of device logs by deliveries that a server has lost.
    pub(crate) fn heard(&self) -> String {
        format!("{}/heard", self.account)
    }

    /// The devices whose revocation was begun here.
    pub(crate) fn revoking(&self) -> String {
        format!("{}/revoking", self.account)
    }

    /// The sessions that were ended from here.
    pub(crate) fn ended_sessions(&self) -> String {
        format!("{}/ended-sessions", self.account)
    }

    pub(crate) fn repairs(&self) -> String {
        format!("{}/repairs", self.account)
    }

    pub(crate) fn rows(&self) -> String {
        format!("{}/row/", self.account)
    }

    pub(crate) fn row(&self, kind: VaultKind, key_id: &[u8]) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        format!("{}/row/{}/{}", self.account, kind as u8, URL_SAFE_NO_PAD.encode(key_id))
    }

    pub(crate) fn contacts(&self) -> String {
        format!("{}/contact/", self.account)
    }

    pub(crate) fn contact(&self, contact: AccountId) -> String {
        format!("{}/contact/{contact}", self.account)
    }

    pub(crate) fn conversations(&self) -> String {
        format!("{}/conversation/", self.account)
    }

    pub(crate) fn conversation(&self, id: ConversationId) -> String {
        format!("{}/conversation/{id}", self.account)
    }

    pub(crate) fn marks(&self) -> String {
        format!("{}/read/", self.account)
    }

    pub(crate) fn mark(&self, id: ConversationId) -> String {
        format!("{}/read/{id}", self.account)
    }

    pub(crate) fn deliveries(&self) -> String {
        format!("{}/delivery/", self.account)
    }

    /// Twenty digits, so that the order of names is the order of cursors.
    pub(crate) fn delivery(&self, cursor: Cursor) -> String {
        format!("{}/delivery/{:020}", self.account, cursor.0)
    }

    pub(crate) fn drafts(&self) -> String {
        format!("{}/draft/", self.account)
    }

    pub(crate) fn draft(&self, message: MessageId) -> String {
        format!("{}/draft/{message}", self.account)
    }

    pub(crate) fn all_sealed(&self) -> String {
        format!("{}/sealed/", self.account)
    }

    pub(crate) fn sealings(&self, message: MessageId) -> String {
        format!("{}/sealed/{message}/", self.account)
    }

    pub(crate) fn sealed(&self, message: MessageId, attempt: u32) -> String {
        format!("{}/sealed/{message}/{attempt:04}", self.account)
    }

    pub(crate) fn all_failed(&self) -> String {
        format!("{}/failed/", self.account)
    }

    pub(crate) fn failed(&self, message: MessageId) -> String {
        format!("{}/failed/{message}", self.account)
    }

    /// All that is kept about a message that waits to be sent.
    pub(crate) fn forget_draft(&self, message: MessageId) -> [Change; 3] {
        [
            Change::Remove { name: self.draft(message) },
            Change::RemoveAll { prefix: self.sealings(message) },
            Change::Remove { name: self.failed(message) },
        ]
    }

    /// Writes, unless the account has logged out.
    pub(crate) async fn write(
        &self,
        device: &impl Device,
        changes: Vec<Change>,
    ) -> Result<(), StoreUnavailable> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreUnavailable);
        }
        if changes.is_empty() { Ok(()) } else { device.write(changes).await }
    }

    /// Writes what nobody has written before, unless the account has logged out; returns what stands there.
    pub(crate) async fn put_if_absent(
        &self,
        device: &impl Device,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, StoreUnavailable> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(StoreUnavailable);
        }
        device.put_if_absent(name, bytes).await
    }

    /// Removes everything of this account, and whatever is still under way writes nothing any more.
    pub(crate) async fn wipe(&self, device: &impl Device, also: Change) -> Result<(), StoreUnavailable> {
        self.closed.store(true, Ordering::Relaxed);
        device.write(vec![Change::RemoveAll { prefix: self.all() }, also]).await
    }

    /// The record of this name, to be written.
    pub(crate) fn put(&self, device: &impl Device, name: String, value: &impl Serialize) -> Change {
        let bytes = self.seal(device, &name, value);
        Change::Put { name, bytes }
    }

    /// The value, sealed for this name.
    pub(crate) fn seal(&self, device: &impl Device, name: &str, value: &impl Serialize) -> Vec<u8> {
        let json = serde_json::to_vec(value).expect("records are plain structs with text keys");
        self.key.seal(name.as_bytes(), &Zeroizing::new(json), &mut DeviceRng(device))
    }

    /// What was sealed for this name. `None`: it was damaged, or is of another version; the caller goes on without it.
    pub(crate) fn open<T: DeserializeOwned>(&self, name: &str, sealed: &[u8]) -> Option<T> {
        let json = self.key.open(name.as_bytes(), sealed).ok()?;
        serde_json::from_slice(&json).ok()
    }

    /// All records of this prefix that open, each with the rest of its name.
    pub(crate) async fn scan<T: DeserializeOwned>(
        &self,
        device: &impl Device,
        prefix: &str,
    ) -> Result<Vec<(String, T)>, StoreUnavailable> {
        let records = device.scan(prefix).await?;
        Ok(records
            .into_iter()
            .filter_map(|(name, sealed)| {
                let value = self.open(&name, &sealed)?;
                Some((name.strip_prefix(prefix)?.to_owned(), value))
            })
            .collect())
    }
}

/// The beginning of all names of an account.
pub(crate) fn all_of(account: AccountId) -> String {
    format!("{account}/")
}

/// Where the iteration count of a name is remembered. Outside of any account: it is read before signing in.
pub(crate) fn kdf_record(username: &Username) -> String {
    format!("kdf/{username}")
}

//! What was mended by itself: found at odds, and made whole again from what is certain. Nobody needs to know; whoever looks
//! for the cause of something finds it here, without anything that is secret.

use serde::{Deserialize, Serialize};

use crate::{Account, Device, StoreUnavailable, engine::Engine};

/// Most that is remembered: the oldest is forgotten first.
const MAX_REPAIRS: usize = 100;

/// What was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// The server had lost rows of the vault, and has them again.
    VaultRestored,
    /// The server had lost entries of the account's device log, and has them again.
    DeviceLogRestored,
    /// The server had lost entries of the account's device log, and another device had gone on without them: what they
    /// said is said again.
    DeviceLogJoined,
    /// The server did not know this device any more, and knows it again.
    DeviceIntroducedAgain,
    /// Prekeys were made and not published, and are published.
    PrekeysPublishedAgain,
    /// The server would have handed out keys that are used up, and has others.
    PrekeysReplaced,
    /// The server had lost deliveries, and counts anew: what only this device has was kept.
    MailboxSetBack,
    /// Messages were not archived, and are.
    ArchivedLater,
    /// Messages did not open, and do now: the keys came later.
    OpenedLater,
    /// A seal came without its key: another device had archived the message meanwhile.
    FetchedAgain,
    /// Devices without a session were ended.
    DevicesEnded,
}

/// One repair, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mended {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What.
    pub what: Repair,
}

impl Repair {
    /// A line for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::VaultRestored => {
                "The server had lost sealed keys of this account: they were given back to it"
            }
            Self::DeviceLogRestored => {
                "The server had lost entries of the device list: they were given back to it"
            }
            Self::DeviceLogJoined => {
                "The server had lost entries of the device list, and another device went on without them: what they said \
                 was added again"
            }
            Self::DeviceIntroducedAgain => {
                "The server did not know this device any more: it was introduced again"
            }
            Self::PrekeysPublishedAgain => {
                "Keys for new messages had not reached the server: they were sent again"
            }
            Self::PrekeysReplaced => {
                "The server had keys for new messages that were used up: they were replaced"
            }
            Self::MailboxSetBack => "The server had lost messages that this device has: they were kept here",
            Self::ArchivedLater => "Messages had not been archived: they were",
            Self::OpenedLater => "Messages that did not open before were opened: their keys came later",
            Self::FetchedAgain => {
                "A message was archived by another device at the same moment: it was fetched again"
            }
            Self::DevicesEnded => "Devices that are signed out were taken off the device list",
        }
    }
}

impl<D: Device> Account<D> {
    /// What was mended on this device, the newest last.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn repairs(&self) -> Result<Vec<Mended>, StoreUnavailable> {
        self.0.repairs().await
    }
}

impl<D: Device> Engine<D> {
    pub(crate) async fn note_repair(&self, what: Repair) -> Result<(), StoreUnavailable> {
        let mut repairs = self.repairs().await?;
        repairs.push(Mended { at_ms: self.device.now_ms(), what });
        let too_many = repairs.len().saturating_sub(MAX_REPAIRS);
        repairs.drain(..too_many);
        let record = self.records.put(&*self.device, self.records.repairs(), &repairs);
        self.records.write(&*self.device, vec![record]).await
    }

    async fn repairs(&self) -> Result<Vec<Mended>, StoreUnavailable> {
        let name = self.records.repairs();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)).unwrap_or_default())
    }
}

//! The device log: which devices an account has and had, as a chain of entries that its identity key signs.
//!
//! Each entry names the hash of the one before it, so one hash (the head) stands for all of the log. Whoever has seen a head
//! notices a log that was cut, forked or rewritten; whoever signs an envelope names the head that they know, so that two
//! people who are shown two logs notice by writing to each other.
//!
//! ```text
//! entry = version (1) || position (u32, from 1) || hash of the entry before (32, zeros at first) || what (1)
//!         || device (16) || device key (32; zeros in a revocation) || at (u64, ms since 1970) || signature (64)
//! hash  = SHA-256("device log entry" || account || entry)
//! ```

use core::fmt;
use std::collections::BTreeMap;

use crate::{
    device::DevicePublic,
    hash::sha256,
    id::{AccountId, DeviceId, LogHash},
    identity::{IdentityKey, IdentityPublic, SIGNATURE_BYTES, SignedAs},
    text::{Malformed, as_base64url},
};

const VERSION: u8 = 1;
const SIGNED_BYTES: usize = 1 + 4 + 32 + 1 + 16 + 32 + 8;
/// Length of an entry, in bytes.
pub const LOG_ENTRY_BYTES: usize = SIGNED_BYTES + SIGNATURE_BYTES;

const NOTHING_BEFORE: LogHash = LogHash::from_bytes([0; 32]);

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The account has a device more, with this key.
    Added(DeviceId, DevicePublic),
    /// What this device signs after this entry counts no more.
    Revoked(DeviceId),
}

/// One entry: parsed, its signature and its place in a log unverified.
#[derive(Clone, PartialEq, Eq)]
pub struct LogEntry {
    position: u32,
    before: LogHash,
    change: Change,
    at_ms: u64,
    bytes: [u8; LOG_ENTRY_BYTES],
}

impl LogEntry {
    /// Reads the bytes.
    ///
    /// # Errors
    /// Another length, an unknown version or kind, a weak device key, fields that their kind has not.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: [u8; LOG_ENTRY_BYTES] = bytes.try_into().map_err(|_| Malformed("has the wrong length"))?;
        if bytes[0] != VERSION {
            return Err(Malformed("has a version that is not known"));
        }
        let position = u32::from_be_bytes(core::array::from_fn(|index| bytes[1 + index]));
        let before = LogHash::from_bytes(core::array::from_fn(|index| bytes[5 + index]));
        let device = DeviceId::from_field(core::array::from_fn(|index| bytes[38 + index]))
            .ok_or(Malformed("names no device"))?;
        let key = &bytes[54..86];
        let change = match bytes[37] {
            1 => Change::Added(device, DevicePublic::parse(key)?),
            2 if key == [0; 32] => Change::Revoked(device),
            _ => return Err(Malformed("says what this version does not know")),
        };
        let at_ms = u64::from_be_bytes(core::array::from_fn(|index| bytes[86 + index]));
        Ok(Self { position, before, change, at_ms, bytes })
    }

    /// The bytes, as they travel.
    pub fn to_bytes(&self) -> &[u8; LOG_ENTRY_BYTES] {
        &self.bytes
    }

    /// Where it stands, from 1.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// What it says.
    pub fn change(&self) -> Change {
        self.change
    }

    /// When it was signed, as its device says, in milliseconds since 1970.
    pub fn at_ms(&self) -> u64 {
        self.at_ms
    }

    /// One name for the log up to this entry.
    pub fn hash(&self, account: AccountId) -> LogHash {
        let label = b"secure-messaging/1 device log entry".as_slice();
        LogHash::from_bytes(sha256(&[label, &account.to_bytes(), &self.bytes]))
    }

    fn sign(place: (u32, LogHash), change: Change, at_ms: u64, account: AccountId, by: &IdentityKey) -> Self {
        let (position, before) = place;
        let (what, device, key) = match change {
            Change::Added(device, key) => (1, device, key.to_bytes()),
            Change::Revoked(device) => (2, device, [0; 32]),
        };
        let signed = [
            [VERSION].as_slice(),
            &position.to_be_bytes(),
            &before.to_bytes(),
            &[what],
            &device.to_bytes(),
            &key,
            &at_ms.to_be_bytes(),
        ]
        .concat();
        let signature = by.sign(SignedAs::DeviceLog, &[&account.to_bytes(), signed.as_slice()].concat());
        let mut bytes = [0; LOG_ENTRY_BYTES];
        bytes[..SIGNED_BYTES].copy_from_slice(&signed);
        bytes[SIGNED_BYTES..].copy_from_slice(&signature);
        Self { position, before, change, at_ms, bytes }
    }
}

impl fmt::Debug for LogEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogEntry {{ position: {}, change: {:?}, .. }}", self.position, self.change)
    }
}

as_base64url!(LogEntry);

/// Why an entry does not go on with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogRefused {
    /// Its position is not the next one.
    #[error("the device log has a gap")]
    Gap,
    /// It names another entry before it than the one that stands there.
    #[error("the device log was forked")]
    Fork,
    /// The identity key did not sign it.
    #[error("the device log has an entry that the account did not sign")]
    Signature,
    /// It adds a device that was there before, or revokes one that is not.
    #[error("the device log brings a device back, or ends one that is not there")]
    Device,
}

/// A device of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedDevice {
    /// Its key.
    pub key: DevicePublic,
    /// Where it was added.
    pub added_at: u32,
    /// Where it was revoked.
    pub revoked_at: Option<u32>,
}

/// A log that was verified from its first entry on. Only [`DeviceLog::take`] and [`DeviceLog::append`] make it grow.
#[derive(Clone, Debug)]
pub struct DeviceLog {
    account: AccountId,
    identity: IdentityPublic,
    heads: Vec<LogHash>,
    devices: BTreeMap<DeviceId, LoggedDevice>,
}

impl DeviceLog {
    /// The log of an account that has no device yet, under this identity key.
    pub fn empty(account: AccountId, identity: IdentityPublic) -> Self {
        Self { account, identity, heads: Vec::new(), devices: BTreeMap::new() }
    }

    /// The log of these entries, from the first on, which were [taken](Self::take) before and kept where nobody else writes.
    pub fn of_taken(account: AccountId, identity: IdentityPublic, entries: &[LogEntry]) -> Self {
        let mut log = Self::empty(account, identity);
        entries.iter().for_each(|entry| log.note(entry));
        log
    }

    /// The identity key that signs it.
    pub fn identity(&self) -> IdentityPublic {
        self.identity
    }

    /// How many entries it has: the position of the last.
    pub fn len(&self) -> u32 {
        self.heads.len() as u32
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The hash of its last entry, zeros for an empty log.
    pub fn head(&self) -> LogHash {
        self.heads.last().copied().unwrap_or(NOTHING_BEFORE)
    }

    /// The hash of the log up to a position; of 0, zeros.
    pub fn head_at(&self, position: u32) -> Option<LogHash> {
        match position {
            0 => Some(NOTHING_BEFORE),
            _ => self.heads.get(position as usize - 1).copied(),
        }
    }

    /// Where this hash stands.
    pub fn position_of(&self, head: LogHash) -> Option<u32> {
        if head == NOTHING_BEFORE {
            return Some(0);
        }
        self.heads.iter().position(|known| *known == head).map(|index| index as u32 + 1)
    }

    /// A device that the log has or had.
    pub fn device(&self, device: DeviceId) -> Option<&LoggedDevice> {
        self.devices.get(&device)
    }

    /// The devices that are not revoked.
    pub fn active(&self) -> impl Iterator<Item = (DeviceId, &LoggedDevice)> {
        let active = self.devices.iter().filter(|(_, device)| device.revoked_at.is_none());
        active.map(|(id, device)| (*id, device))
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`LogRefused`]; the log is as it was.
    pub fn take(&mut self, entry: &LogEntry) -> Result<(), LogRefused> {
        if entry.position != self.len() + 1 {
            return Err(LogRefused::Gap);
        }
        if entry.before != self.head() {
            return Err(LogRefused::Fork);
        }
        let (signed, signature) =
            entry.bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(LogRefused::Signature)?;
        self.identity
            .verify(SignedAs::DeviceLog, &[&self.account.to_bytes(), signed].concat(), signature)
            .map_err(|_| LogRefused::Signature)?;
        self.check(entry.change)?;
        self.note(entry);
        Ok(())
    }

    /// Signs the next entry and takes it.
    ///
    /// # Errors
    /// [`LogRefused::Device`].
    pub fn append(
        &mut self,
        change: Change,
        at_ms: u64,
        identity: &IdentityKey,
    ) -> Result<LogEntry, LogRefused> {
        self.check(change)?;
        let entry = LogEntry::sign((self.len() + 1, self.head()), change, at_ms, self.account, identity);
        self.note(&entry);
        Ok(entry)
    }

    fn check(&self, change: Change) -> Result<(), LogRefused> {
        let fits = match change {
            Change::Added(device, _) => !self.devices.contains_key(&device),
            Change::Revoked(device) => {
                self.devices.get(&device).is_some_and(|known| known.revoked_at.is_none())
            }
        };
        if fits { Ok(()) } else { Err(LogRefused::Device) }
    }

    fn note(&mut self, entry: &LogEntry) {
        self.heads.push(entry.hash(self.account));
        match entry.change {
            Change::Added(device, key) => {
                let added = LoggedDevice { key, added_at: entry.position, revoked_at: None };
                self.devices.insert(device, added);
            }
            Change::Revoked(device) => {
                if let Some(known) = self.devices.get_mut(&device) {
                    known.revoked_at = Some(entry.position);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        device::{DeviceKey, DeviceSeed},
        identity::IdentitySeed,
    };

    const ALICE: AccountId = AccountId::from_bytes([1; 16]);

    fn identity(seed: u8) -> IdentityKey {
        IdentityKey::from_seed(&IdentitySeed::from_bytes(&[seed; 32]))
    }

    fn added(device: u8) -> Change {
        let key = DeviceKey::from_seed(&DeviceSeed::from_bytes(&[device; 32])).public();
        Change::Added(DeviceId::from_bytes([device; 16]), key)
    }

    fn revoked(device: u8) -> Change {
        Change::Revoked(DeviceId::from_bytes([device; 16]))
    }

    /// A log of these changes, and its entries.
    fn log(changes: &[Change]) -> (DeviceLog, Vec<LogEntry>) {
        let mut log = DeviceLog::empty(ALICE, identity(1).public());
        let entries = changes.iter().map(|change| log.append(*change, 7, &identity(1)).unwrap()).collect();
        (log, entries)
    }

    fn read(entries: &[LogEntry]) -> Result<DeviceLog, LogRefused> {
        let mut log = DeviceLog::empty(ALICE, identity(1).public());
        entries.iter().try_for_each(|entry| log.take(entry))?;
        Ok(log)
    }

    #[test]
    fn a_log_is_read_back_and_says_who_is_there() {
        let (written, entries) = log(&[added(1), added(2), revoked(1)]);
        let entries: Vec<_> =
            entries.iter().map(|entry| LogEntry::parse(entry.to_bytes()).unwrap()).collect();
        let read = read(&entries).unwrap();
        assert_eq!((read.len(), read.head()), (3, written.head()));
        let active: Vec<DeviceId> = read.active().map(|(device, _)| device).collect();
        assert_eq!(active, [DeviceId::from_bytes([2; 16])]);
        assert_eq!(read.device(DeviceId::from_bytes([1; 16])).unwrap().revoked_at, Some(3));
        assert_eq!(read.position_of(entries[1].hash(ALICE)), Some(2));
        assert_eq!(read.head_at(0), Some(NOTHING_BEFORE));
    }

    #[test]
    fn gaps_forks_and_foreign_signatures_are_refused() {
        let (_, entries) = log(&[added(1), added(2), added(3)]);
        let (_, fork) = log(&[added(1), added(4), added(5)]);
        assert_eq!(read(&[entries[0].clone(), entries[2].clone()]).unwrap_err(), LogRefused::Gap);
        assert_eq!(read(&entries[1..]).unwrap_err(), LogRefused::Gap);
        let forked = [entries[0].clone(), entries[1].clone(), fork[2].clone()];
        assert_eq!(read(&forked).unwrap_err(), LogRefused::Fork);
        let mut foreign = DeviceLog::empty(ALICE, identity(2).public());
        let foreign = foreign.append(added(1), 7, &identity(2)).unwrap();
        assert_eq!(read(&[foreign]).unwrap_err(), LogRefused::Signature);
        let mut of_bob = DeviceLog::empty(AccountId::from_bytes([2; 16]), identity(1).public());
        let of_bob = of_bob.append(added(1), 7, &identity(1)).unwrap();
        assert_eq!(read(&[of_bob]).unwrap_err(), LogRefused::Signature);
    }

    #[test]
    fn no_changed_byte_of_an_entry_passes() {
        let (_, entries) = log(&[added(1)]);
        for index in 0..LOG_ENTRY_BYTES {
            let mut changed = *entries[0].to_bytes();
            changed[index] ^= 1;
            let passes = LogEntry::parse(&changed).is_ok_and(|entry| read(&[entry]).is_ok());
            assert!(!passes, "byte {index}");
        }
    }

    #[test]
    fn a_device_comes_once_and_goes_once() {
        let (mut ended, _) = log(&[added(1), revoked(1)]);
        assert_eq!(ended.append(added(1), 7, &identity(1)), Err(LogRefused::Device), "it does not come back");
        assert_eq!(ended.append(revoked(1), 7, &identity(1)), Err(LogRefused::Device));
        assert_eq!(ended.append(revoked(2), 7, &identity(1)), Err(LogRefused::Device));
        // Who signs it by hand is refused by who reads it.
        let (_, mut entries) = log(&[added(1), revoked(1)]);
        let place = (3, entries[1].hash(ALICE));
        entries.push(LogEntry::sign(place, added(1), 7, ALICE, &identity(1)));
        assert_eq!(read(&entries).unwrap_err(), LogRefused::Device);
    }
}

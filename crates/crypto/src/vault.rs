//! Rows sealed under keys of the account: the vault (kept by the server, read by every device of the account) and the
//! cache (kept by one device for itself). What a row is and where it stands is bound, so that nobody can swap two rows
//! or bring back an old one under a new version.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{CannotOpen, aead, id::AccountId, secret::secret_type};

secret_type!(
    /// Seals vault rows; derived from the account key.
    VaultKey,
    32
);
secret_type!(
    /// Seals what a device keeps for itself; derived from the account key.
    CacheKey,
    32
);

/// What a vault row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum VaultKind {
    /// The seed of the account's identity key. Its key id is empty.
    Identity = 1,
    /// The seed of a prekey. Its key id is the prekey's number.
    Prekey = 2,
    /// A contact's identity key as first seen or last accepted. Its key id is the contact's account id.
    Pin = 3,
    /// A public identity key that the account had before a reset without its keys. Its key id is the fingerprint.
    PastIdentity = 4,
    /// A batch of seeds of one-time prekeys. Its key id is the beginning of its identity key's fingerprint and its slot.
    OneTimePrekeys = 5,
    /// The key of an archive epoch. Its key id is the epoch.
    ArchiveKey = 6,
}

/// Where a row stands: everything that its seal is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultPlace<'a> {
    /// Whose vault.
    pub account: AccountId,
    /// What the row holds.
    pub kind: VaultKind,
    /// Which of its kind.
    pub key_id: &'a [u8],
    /// Counted up with every change, from 1.
    pub version: u64,
}

impl VaultPlace<'_> {
    fn aad(&self) -> Vec<u8> {
        let Self { account, kind, key_id, version } = self;
        [
            b"secure-messaging/1 vault row".as_slice(),
            &account.to_bytes(),
            &[*kind as u8],
            &version.to_be_bytes(),
            key_id,
        ]
        .concat()
    }
}

impl VaultKey {
    /// `nonce (12) || ciphertext || tag (16)`.
    pub fn seal(&self, place: VaultPlace<'_>, plaintext: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        aead::seal(self.expose_bytes(), &place.aad(), plaintext, rng)
    }

    /// Opens a row that stands at `place`.
    ///
    /// # Errors
    /// [`CannotOpen`]: another account's key, another place or version, or changed bytes.
    pub fn open(&self, place: VaultPlace<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        aead::open(self.expose_bytes(), &place.aad(), sealed)
    }
}

impl CacheKey {
    /// Seals one record of the device's own store; `place` is the record's name there, and bound.
    pub fn seal(&self, place: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        aead::seal(self.expose_bytes(), place, plaintext, rng)
    }

    /// Opens a record that stands at `place`.
    ///
    /// # Errors
    /// [`CannotOpen`]: another account's key, another place, or changed bytes.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        aead::open(self.expose_bytes(), place, sealed)
    }
}

//! The vault as one device sees it: rows loaded, opened, written by compare-and-set, and never taken back.
//!
//! A device remembers each row that it has seen. A server that later returns an older version of one, another row under
//! the same version, or leaves one out, is found out. A device that never saw the vault cannot tell; see
//! `docs/threat-model.md`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use crypto::{
    id::{AccountId, Fingerprint, PrekeyId},
    identity::{IdentityKey, IdentityPublic, IdentitySeed},
    prekey::{PrekeySecret, PrekeySeed},
    vault::{VaultKey, VaultKind, VaultPlace},
};
use protocol::{
    Binary, Code, Username,
    vault::{FetchRows, PutRow, Row},
};
use zeroize::Zeroizing;

use crate::{
    CallError, Device, Interruption, StoreUnavailable,
    device::{Change, DeviceRng},
    pins::Pin,
    records::Records,
};

/// How often a row is written anew after another device was faster.
const MAX_ROUNDS: usize = 8;

/// Why the vault was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultRefused {
    /// A row does not open: it is not one that a device of this account wrote at this place and version.
    #[error(
        "The server returned keys that none of your devices wrote: nothing was changed, ask who runs the server"
    )]
    DoesNotOpen,
    /// A row is older than one that this device has seen, or is missing.
    #[error("The server returned an older copy of your keys: nothing was changed, ask who runs the server")]
    OlderCopy,
    /// The account's own keys are not in the vault.
    #[error("The server did not return your keys: without them no message opens, ask who runs the server")]
    NoKeys,
}

/// The rows of one account's vault.
pub(crate) struct Vault {
    account: AccountId,
    key: VaultKey,
    contents: Mutex<Contents>,
    /// One exchange with the relay at a time: an answer that was on its way while a row was written would look like an
    /// older copy.
    turn: futures::lock::Mutex<()>,
}

#[derive(Clone, Default)]
struct Contents {
    rows: BTreeMap<(VaultKind, Vec<u8>), SeenRow>,
    identity: Option<IdentityKey>,
    past_identities: BTreeMap<Fingerprint, IdentityPublic>,
    prekeys: BTreeMap<PrekeyId, Arc<PrekeySecret>>,
    pins: BTreeMap<AccountId, Pin>,
}

#[derive(Clone, PartialEq, Eq)]
struct SeenRow {
    version: u64,
    sealed: Vec<u8>,
}

impl Vault {
    /// The rows that this device has seen; without the network.
    pub(crate) async fn load(
        device: &impl Device,
        records: &Records,
        account: AccountId,
        key: VaultKey,
    ) -> Result<Self, StoreUnavailable> {
        let mut contents = Contents::default();
        for (_, json) in device.scan(&records.rows()).await? {
            // A damaged record is as good as none: the row comes again from the relay.
            if let Ok(row) = serde_json::from_slice::<Row>(&json) {
                let _ = contents.absorb(account, &key, &row);
            }
        }
        Ok(Self { account, key, contents: Mutex::new(contents), turn: futures::lock::Mutex::new(()) })
    }

    /// Fetches all rows and takes what is new.
    pub(crate) async fn refresh(&self, device: &impl Device, records: &Records) -> Result<(), Interruption> {
        let _turn = self.turn.lock().await;
        self.fetch(device, records).await
    }

    async fn fetch(&self, device: &impl Device, records: &Records) -> Result<(), Interruption> {
        let fetched = device.call(FetchRows {}).await?.rows;
        let changes = {
            let mut contents = self.contents();
            let mut next = contents.clone();
            let mut changes = Vec::new();
            let mut still_there = 0;
            for row in &fetched {
                let place = (row.kind, row.key_id.0.clone());
                still_there += usize::from(contents.rows.contains_key(&place));
                if next.absorb(self.account, &self.key, row)? {
                    changes.push(row_record(records, row));
                }
            }
            if still_there < contents.rows.len() {
                return Err(VaultRefused::OlderCopy.into());
            }
            *contents = next;
            changes
        };
        if !changes.is_empty() {
            records.write(device, changes).await?;
        }
        Ok(())
    }

    /// The account's identity key.
    pub(crate) fn identity(&self) -> Result<IdentityKey, VaultRefused> {
        self.contents().identity.clone().ok_or(VaultRefused::NoKeys)
    }

    /// The account's own public identity key of this fingerprint: today's, or one from before a reset.
    pub(crate) fn own_identity(&self, fingerprint: Fingerprint) -> Option<IdentityPublic> {
        let contents = self.contents();
        let today = contents.identity.as_ref().map(IdentityKey::public);
        today
            .filter(|today| today.fingerprint() == fingerprint)
            .or_else(|| contents.past_identities.get(&fingerprint).copied())
    }

    /// The private half of a prekey.
    pub(crate) fn prekey(&self, id: PrekeyId) -> Option<Arc<PrekeySecret>> {
        self.contents().prekeys.get(&id).cloned()
    }

    /// Whether there is any prekey at all.
    pub(crate) fn has_keys(&self) -> bool {
        let contents = self.contents();
        contents.identity.is_some() && !contents.prekeys.is_empty()
    }

    /// The pin of a contact.
    pub(crate) fn pin(&self, contact: AccountId) -> Option<Pin> {
        self.contents().pins.get(&contact).cloned()
    }

    /// Who was pinned under this name.
    pub(crate) fn pinned_as(&self, username: &Username) -> Option<AccountId> {
        let contents = self.contents();
        contents.pins.iter().find(|(_, pin)| pin.username == *username).map(|(account, _)| *account)
    }

    /// Compares and sets the pin of a contact: `edit` sees the pin that stands and says what it shall be, or `None` when
    /// it is right as it is. When another device was faster, the row is fetched and `edit` asked again.
    pub(crate) async fn edit_pin(
        &self,
        device: &impl Device,
        records: &Records,
        contact: AccountId,
        edit: impl Fn(Option<&Pin>) -> Option<Pin>,
    ) -> Result<(), Interruption> {
        let place = (VaultKind::Pin, contact.to_bytes().to_vec());
        let edited =
            |contents: &Contents| edit(contents.pins.get(&contact)).map(|pin| Zeroizing::new(pin.to_bytes()));
        self.edit_row(device, records, place, edited).await
    }

    /// Whether a row of this content makes sense, and no other prekey stands in its place.
    pub(crate) fn has_room_for(&self, kind: VaultKind, key_id: &[u8], content: &[u8]) -> bool {
        let mut alone = Contents::default();
        if alone.understand(kind, key_id, content).is_none() {
            return false;
        }
        let standing = self.contents();
        alone
            .prekeys
            .iter()
            .all(|(id, prekey)| standing.prekeys.get(id).is_none_or(|other| other.seed() == prekey.seed()))
    }

    /// Adds a row, unless one stands at its place.
    pub(crate) async fn add_if_missing(
        &self,
        device: &impl Device,
        records: &Records,
        kind: VaultKind,
        key_id: &[u8],
        content: &[u8],
    ) -> Result<(), Interruption> {
        let place = (kind, key_id.to_vec());
        let added = |contents: &Contents| {
            let is_missing = !contents.rows.contains_key(&(kind, key_id.to_vec()));
            is_missing.then(|| Zeroizing::new(content.to_vec()))
        };
        self.edit_row(device, records, place, added).await
    }

    async fn edit_row(
        &self,
        device: &impl Device,
        records: &Records,
        place: (VaultKind, Vec<u8>),
        edit: impl Fn(&Contents) -> Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), Interruption> {
        let _turn = self.turn.lock().await;
        for _ in 0..MAX_ROUNDS {
            let row = {
                let contents = self.contents();
                let Some(content) = edit(&contents) else { return Ok(()) };
                let version = contents.rows.get(&place).map_or(0, |row| row.version) + 1;
                self.sealed_row(device, place.0, &place.1, version, &content)
            };
            match device.call(PutRow { row: row.clone() }).await {
                Ok(_) => {
                    self.contents().absorb(self.account, &self.key, &row)?;
                    records.write(device, vec![row_record(records, &row)]).await?;
                    return Ok(());
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => {
                    self.fetch(device, records).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // Eight devices that change one row at the same moment: the next attempt will find them done.
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    fn sealed_row(
        &self,
        device: &impl Device,
        kind: VaultKind,
        key_id: &[u8],
        version: u64,
        plaintext: &[u8],
    ) -> Row {
        let place = VaultPlace { account: self.account, kind, key_id, version };
        let sealed = self.key.seal(place, plaintext, &mut DeviceRng(device));
        Row { kind, key_id: Binary(key_id.to_vec()), version, sealed: Binary(sealed) }
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// Takes a row if it is newer than what is known; `false` if it is known already.
    fn absorb(&mut self, account: AccountId, key: &VaultKey, row: &Row) -> Result<bool, VaultRefused> {
        let slot = (row.kind, row.key_id.0.clone());
        let new = SeenRow { version: row.version, sealed: row.sealed.0.clone() };
        if let Some(known) = self.rows.get(&slot) {
            if *known == new {
                return Ok(false);
            }
            if new.version <= known.version {
                return Err(VaultRefused::OlderCopy);
            }
        }
        let place =
            VaultPlace { account, kind: row.kind, key_id: row.key_id.as_slice(), version: row.version };
        let plaintext = key.open(place, row.sealed.as_slice()).map_err(|_| VaultRefused::DoesNotOpen)?;
        self.understand(row.kind, row.key_id.as_slice(), &plaintext).ok_or(VaultRefused::DoesNotOpen)?;
        self.rows.insert(slot, new);
        Ok(true)
    }

    fn understand(&mut self, kind: VaultKind, key_id: &[u8], plaintext: &[u8]) -> Option<()> {
        match kind {
            VaultKind::Identity => {
                let seed = IdentitySeed::from_bytes(plaintext.try_into().ok()?);
                self.identity = Some(IdentityKey::from_seed(&seed));
            }
            VaultKind::PastIdentity => {
                let identity = IdentityPublic::parse(plaintext).ok()?;
                let fingerprint = Fingerprint::parse(key_id).ok()?;
                if identity.fingerprint() != fingerprint {
                    return None;
                }
                self.past_identities.insert(fingerprint, identity);
            }
            VaultKind::Prekey => {
                let prekey = prekey_from_row(key_id, plaintext)?;
                self.prekeys.insert(prekey.id(), Arc::new(prekey));
            }
            VaultKind::Pin => {
                let contact = AccountId::parse(key_id).ok()?;
                self.pins.insert(contact, Pin::parse(plaintext)?);
            }
        }
        Some(())
    }
}

/// Where a prekey's row stands: its number, big-endian.
pub(crate) fn prekey_key_id(id: PrekeyId) -> [u8; 4] {
    id.0.to_be_bytes()
}

/// What a prekey's row holds: `sequence (u64, big-endian) || seed (32)`.
pub(crate) fn prekey_to_row(prekey: &PrekeySecret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&prekey.sequence().to_be_bytes(), prekey.seed().expose_bytes().as_slice()].concat())
}

fn prekey_from_row(key_id: &[u8], plaintext: &[u8]) -> Option<PrekeySecret> {
    let id = PrekeyId(u32::from_be_bytes(key_id.try_into().ok()?));
    let (sequence, seed) = plaintext.split_first_chunk::<8>()?;
    let seed = PrekeySeed::from_bytes(seed.try_into().ok()?);
    Some(PrekeySecret::from_seed(id, u64::from_be_bytes(*sequence), &seed))
}

/// The record of a row: the row itself, which is sealed under the vault key.
pub(crate) fn row_record(records: &Records, row: &Row) -> Change {
    Change::Put {
        name: records.row(row.kind, row.key_id.as_slice()),
        bytes: serde_json::to_vec(row).expect("a row is a plain struct"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: AccountId = AccountId::from_bytes([1; 16]);

    struct NoChance;

    impl rand_core::TryRng for NoChance {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(4)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(4)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(4);
            Ok(())
        }
    }

    impl rand_core::TryCryptoRng for NoChance {}

    fn key() -> VaultKey {
        VaultKey::from_bytes(&[9; 32])
    }

    fn prekey_row(version: u64, seed: u8) -> Row {
        let prekey = PrekeySecret::from_seed(PrekeyId(7), 3, &PrekeySeed::from_bytes(&[seed; 32]));
        let key_id = prekey_key_id(prekey.id()).to_vec();
        let place = VaultPlace { account: ME, kind: VaultKind::Prekey, key_id: &key_id, version };
        let sealed = key().seal(place, &prekey_to_row(&prekey), &mut NoChance);
        Row { kind: VaultKind::Prekey, key_id: Binary(key_id), version, sealed: Binary(sealed) }
    }

    #[test]
    fn a_row_is_taken_once_and_never_back() {
        let mut contents = Contents::default();
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(2, 1)), Ok(true));
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(2, 1)), Ok(false));
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(1, 1)), Err(VaultRefused::OlderCopy));
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(2, 5)), Err(VaultRefused::OlderCopy));
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(3, 5)), Ok(true));
        let prekey = &contents.prekeys[&PrekeyId(7)];
        assert_eq!((prekey.sequence(), prekey.seed().expose_bytes()), (3, &[5; 32]));
    }

    #[test]
    fn a_row_opens_only_where_it_was_put() {
        let mut contents = Contents::default();
        let mut moved = prekey_row(1, 1);
        moved.key_id = Binary(prekey_key_id(PrekeyId(8)).to_vec());
        let mut relabelled = prekey_row(1, 1);
        relabelled.version = 2;
        let mut damaged = prekey_row(1, 1);
        damaged.sealed.0[20] ^= 1;
        for row in [moved, relabelled, damaged] {
            assert_eq!(contents.absorb(ME, &key(), &row), Err(VaultRefused::DoesNotOpen));
        }
        assert!(contents.rows.is_empty() && contents.prekeys.is_empty());
    }
}

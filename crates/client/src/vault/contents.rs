//! What a vault holds, opened: rows become keys and pins.

use std::{collections::BTreeMap, sync::Arc};

use crypto::{
    archive::ArchiveKey,
    id::{AccountId, EpochId, Fingerprint, PrekeyId},
    identity::{IdentityKey, IdentityPublic, IdentitySeed},
    prekey::{PrekeyKind, PrekeySecret, PrekeySeed},
    vault::{VaultKey, VaultKind, VaultPlace},
};
use protocol::vault::Row;
use zeroize::Zeroizing;

use crate::{pins::Pin, vault::VaultRefused};

/// The highest id of a prekey that counts: half of all, more than anybody uses up. Who writes a higher one wants the numbers to
/// end.
pub(super) const MAX_ID: PrekeyId = PrekeyId(u32::MAX / 2);
/// The highest id that a batch begins with.
pub(super) const MAX_FIRST_ID: u32 = MAX_ID.0;
/// How far from the published numbers one of the vault counts: more than restorations and other devices bring. Who was ended may have
/// left some that are further, which no server takes.
pub(super) const NEAR: u32 = 50_000;
/// Batches that one identity key has at once at most: those that are wholly erased make room.
pub(super) const MAX_SLOTS: u32 = 64;
/// Bytes of a fingerprint in the key id of a batch of one-time prekeys; the slot has the other four.
const FINGERPRINT_BYTES: usize = 28;

#[derive(Clone, Default)]
pub(super) struct Contents {
    rows: BTreeMap<(VaultKind, Vec<u8>), SeenRow>,
    pub(super) identity: Option<IdentityKey>,
    pub(super) past_identities: BTreeMap<Fingerprint, IdentityPublic>,
    /// Those that live.
    pub(super) signed_prekeys: BTreeMap<PrekeyId, Arc<PrekeySecret>>,
    /// The sequences of all that there were, whether they live or not.
    pub(super) signed_sequences: BTreeMap<PrekeyId, u64>,
    pub(super) batches: BTreeMap<Slot, Batch>,
    pub(super) archive_keys: BTreeMap<EpochId, Epoch>,
    pub(super) pins: BTreeMap<AccountId, Pin>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct SeenRow {
    pub(super) version: u64,
    sealed: Vec<u8>,
}

/// Where a batch stands: under which identity key (the beginning of its fingerprint), and at which of its slots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) identity: [u8; FINGERPRINT_BYTES],
    pub(super) number: u32,
}

/// A batch of one-time prekeys that was made at once.
#[derive(Clone)]
pub(super) struct Batch {
    pub(super) first: PrekeyId,
    pub(super) sequence: u64,
    pub(super) made_at_ms: u64,
    /// `None`: erased.
    pub(super) seeds: Vec<Option<PrekeySeed>>,
}

/// What is to be done for a batch whose place the server has given to another one.
pub(super) enum Displaced {
    /// It gets a place that is free.
    Free(Slot, Batch),
    /// It stands in this place already, and is to be without what was erased.
    Into(Slot, Batch),
}

/// An archive epoch.
#[derive(Clone)]
pub(super) struct Epoch {
    pub(super) made_at_ms: u64,
    pub(super) key: ArchiveKey,
}

impl Slot {
    pub(super) fn of(identity: Fingerprint, number: u32) -> Self {
        Self { identity: beginning(identity), number }
    }

    pub(super) fn key_id(self) -> Vec<u8> {
        [self.identity.as_slice(), &self.number.to_be_bytes()].concat()
    }

    fn parse(key_id: &[u8]) -> Option<Self> {
        let (identity, number) = key_id.split_first_chunk::<FINGERPRINT_BYTES>()?;
        Some(Self { identity: *identity, number: u32::from_be_bytes(number.try_into().ok()?) })
    }
}

fn beginning(identity: Fingerprint) -> [u8; FINGERPRINT_BYTES] {
    let bytes = identity.to_bytes();
    core::array::from_fn(|index| bytes[index])
}

impl Batch {
    /// The id after its last.
    pub(super) fn end(&self) -> u32 {
        self.first.0.saturating_add(self.seeds.len() as u32)
    }

    pub(super) fn is_erased(&self) -> bool {
        self.seeds.iter().all(Option::is_none)
    }

    pub(super) fn seed(&self, id: PrekeyId) -> Option<&PrekeySeed> {
        self.seeds.get(id.0.checked_sub(self.first.0)? as usize)?.as_ref()
    }

    /// Whether they are one batch, of which some may have been erased since.
    pub(super) fn is(&self, other: &Self) -> bool {
        let made = |batch: &Self| (batch.first, batch.sequence, batch.made_at_ms, batch.seeds.len());
        let both = self.seeds.iter().zip(&other.seeds);
        let both = both.filter_map(|(one, other)| Some((one.as_ref()?, other.as_ref()?)));
        made(self) == made(other)
            && both.clone().all(|(one, other)| one.expose_bytes() == other.expose_bytes())
    }

    /// Whether it was made by who knew the other one: later, and its ids go on from there.
    pub(super) fn comes_after(&self, other: &Self) -> bool {
        self.first.0 >= other.end() && self.made_at_ms >= other.made_at_ms
    }

    /// The same batch, without those that were erased in either.
    fn without_erased_of(&self, other: &Self) -> Self {
        let both = self.seeds.iter().zip(&other.seeds);
        let seeds = both.map(|(own, other)| own.clone().filter(|_| other.is_some())).collect();
        Self { seeds, ..self.clone() }
    }

    /// The ids of those that live.
    pub(super) fn ids(&self) -> impl Iterator<Item = PrekeyId> {
        let live = self.seeds.iter().zip(self.first.0..).filter(|(seed, _)| seed.is_some());
        live.map(|(_, id)| PrekeyId(id))
    }

    /// One that lives. Its public half is worked out anew each time.
    pub(super) fn prekey(&self, id: PrekeyId) -> Option<PrekeySecret> {
        Some(PrekeySecret::one_time(id, self.sequence, self.seed(id)?))
    }

    /// `first id (u32) || sequence (u64) || made at (u64) || seeds (32 each; zeros: erased)`.
    pub(super) fn to_row(&self) -> Zeroizing<Vec<u8>> {
        let mut row = Zeroizing::new(Vec::with_capacity(20 + 32 * self.seeds.len()));
        row.extend_from_slice(&self.first.0.to_be_bytes());
        row.extend_from_slice(&self.sequence.to_be_bytes());
        row.extend_from_slice(&self.made_at_ms.to_be_bytes());
        for seed in &self.seeds {
            row.extend_from_slice(seed.as_ref().map_or(&[0; 32], |seed| seed.expose_bytes()));
        }
        row
    }

    fn parse(row: &[u8]) -> Option<Self> {
        let (first, rest) = row.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (made_at_ms, rest) = rest.split_first_chunk::<8>()?;
        let (seeds, []) = rest.as_chunks::<32>() else { return None };
        let seed = |bytes: &[u8; 32]| (*bytes != [0; 32]).then(|| PrekeySeed::from_bytes(bytes));
        Some(Self {
            first: PrekeyId(u32::from_be_bytes(*first)),
            sequence: u64::from_be_bytes(*sequence),
            made_at_ms: u64::from_be_bytes(*made_at_ms),
            seeds: seeds.iter().map(seed).collect(),
        })
    }
}

impl Epoch {
    /// `made at (u64) || key (32)`.
    pub(super) fn to_row(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&self.made_at_ms.to_be_bytes(), self.key.expose_bytes().as_slice()].concat())
    }

    fn parse(row: &[u8]) -> Option<Self> {
        let (made_at_ms, key) = row.split_first_chunk::<8>()?;
        let key = ArchiveKey::from_bytes(key.try_into().ok()?);
        Some(Self { made_at_ms: u64::from_be_bytes(*made_at_ms), key })
    }
}

/// What is to stand where this device has one content of a row, and a server that was set back has got another one meanwhile:
/// `None`, if the own one comes from that one.
pub(super) fn both_of(kind: VaultKind, own: &[u8], there: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    match kind {
        // Another batch was made since; the own one has found another place.
        VaultKind::OneTimePrekeys => {
            let (mine, theirs) = (Batch::parse(own)?, Batch::parse(there)?);
            let is_later = mine.is(&theirs) || mine.comes_after(&theirs);
            (!is_later).then(|| Zeroizing::new(there.to_vec()))
        }
        // A seed that is another one is published.
        VaultKind::Prekey => {
            let is_another = there.len() > 8 && own.len() > 8 && own != there;
            is_another.then(|| Zeroizing::new(there.to_vec()))
        }
        VaultKind::Pin => {
            let both = Pin::merged_with(&Pin::parse(own)?, &Pin::parse(there)?)?;
            Some(Zeroizing::new(both.to_bytes()))
        }
        VaultKind::Identity | VaultKind::PastIdentity | VaultKind::ArchiveKey => None,
    }
}

impl Contents {
    /// What stands at this place, as far as it was seen.
    pub(super) fn standing(&self, kind: VaultKind, key_id: &[u8]) -> Option<&SeenRow> {
        self.rows.get(&(kind, key_id.to_vec()))
    }

    /// The rows that are newer here than in these, with the versions that they have there; 0 where there are none.
    pub(super) fn newer_than(&self, fetched: &[Row]) -> Vec<(Row, u64)> {
        let there: BTreeMap<(VaultKind, &[u8]), u64> =
            fetched.iter().map(|row| ((row.kind, row.key_id.as_slice()), row.version)).collect();
        let newer = self.rows.iter().filter_map(|((kind, key_id), seen)| {
            let standing = there.get(&(*kind, key_id.as_slice())).copied().unwrap_or(0);
            let row = || Row {
                kind: *kind,
                key_id: key_id.clone().into(),
                version: seen.version,
                sealed: seen.sealed.clone().into(),
            };
            (standing < seen.version).then(|| (row(), standing))
        });
        newer.collect()
    }

    /// The batches that stand here in a place where the server has one that does not come from them, nor they from it: two
    /// devices have made them, one before the server was set back and one after it. Either may be the one that was published,
    /// so both must stay.
    pub(super) fn displaced_by(
        &self,
        account: AccountId,
        key: &VaultKey,
        fetched: &[Row],
    ) -> Result<Vec<Displaced>, VaultRefused> {
        let mut there = BTreeMap::new();
        for row in fetched.iter().filter(|row| row.kind == VaultKind::OneTimePrekeys) {
            let key_id = row.key_id.as_slice();
            let is_known = |known: &SeenRow| known.version == row.version && known.sealed == row.sealed.0;
            if !self.standing(row.kind, key_id).is_some_and(is_known) {
                let place = VaultPlace { account, kind: row.kind, key_id, version: row.version };
                let content =
                    key.open(place, row.sealed.as_slice()).map_err(|_| VaultRefused::DoesNotOpen)?;
                let batch =
                    Slot::parse(key_id).zip(Batch::parse(&content)).ok_or(VaultRefused::DoesNotOpen)?;
                there.extend([batch]);
            }
        }
        let mut displaced = Vec::new();
        for (slot, own) in &self.batches {
            let is_another = there.get(slot).is_some_and(|there: &Batch| {
                !there.is(own) && !there.comes_after(own) && !own.comes_after(there)
            });
            if !is_another || own.is_erased() {
                continue;
            }
            // Where another device has put it, what was erased here is erased there.
            let elsewhere =
                there.iter().chain(&self.batches).find(|(other, batch)| *other != slot && batch.is(own));
            match elsewhere {
                None => displaced.push(Displaced::Free(*slot, own.clone())),
                Some((place, batch)) => {
                    let erased = batch.without_erased_of(own);
                    if erased.ids().count() < batch.ids().count() {
                        displaced.push(Displaced::Into(*place, erased));
                    }
                }
            }
        }
        Ok(displaced)
    }

    /// A place for one more batch: free here, and with nothing on the server that was not seen.
    pub(super) fn free_slot(&self, of: Slot, fetched: &[Row]) -> Option<Slot> {
        let is_free = |slot: &Slot| self.batches.get(slot).is_none_or(Batch::is_erased);
        let is_seen = |slot: &Slot| {
            let mut rows = fetched.iter().filter(|row| row.kind == VaultKind::OneTimePrekeys);
            let row = rows.find(|row| row.key_id.as_slice() == slot.key_id());
            row.is_none_or(|row| {
                let known = self.standing(row.kind, row.key_id.as_slice());
                known.is_some_and(|known| known.version == row.version && known.sealed == row.sealed.0)
            })
        };
        let mut slots = (0..MAX_SLOTS).map(|number| Slot { identity: of.identity, number });
        slots.find(|slot| is_free(slot) && is_seen(slot))
    }

    /// Takes a row if it is newer than what is known; `false` if it is known already.
    pub(super) fn absorb(
        &mut self,
        account: AccountId,
        key: &VaultKey,
        row: &Row,
    ) -> Result<bool, VaultRefused> {
        let slot = (row.kind, row.key_id.0.clone());
        let new = SeenRow { version: row.version, sealed: row.sealed.0.clone() };
        if let Some(known) = self.rows.get(&slot) {
            if *known == new {
                return Ok(false);
            }
            // Another one of the same version is by another device, which wrote to a server that was set back.
            if new.version < known.version {
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

    pub(super) fn understand(&mut self, kind: VaultKind, key_id: &[u8], plaintext: &[u8]) -> Option<()> {
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
                let id = PrekeyId(u32::from_be_bytes(key_id.try_into().ok()?));
                let (sequence, seed) = plaintext.split_first_chunk::<8>()?;
                let sequence = u64::from_be_bytes(*sequence);
                if id > MAX_ID {
                    return Some(());
                }
                self.signed_prekeys.remove(&id);
                if !seed.is_empty() {
                    let seed = PrekeySeed::from_bytes(seed.try_into().ok()?);
                    self.signed_prekeys.insert(id, Arc::new(PrekeySecret::from_seed(id, sequence, &seed)));
                }
                self.signed_sequences.insert(id, sequence);
            }
            VaultKind::Pin => {
                let contact = AccountId::parse(key_id).ok()?;
                self.pins.insert(contact, Pin::parse(plaintext)?);
            }
            VaultKind::OneTimePrekeys => {
                let (slot, batch) = (Slot::parse(key_id)?, Batch::parse(plaintext)?);
                if batch.first > MAX_ID {
                    self.batches.remove(&slot);
                } else {
                    self.batches.insert(slot, batch);
                }
            }
            VaultKind::ArchiveKey => {
                self.archive_keys.insert(EpochId::parse(key_id).ok()?, Epoch::parse(plaintext)?);
            }
        }
        Some(())
    }

    pub(super) fn has_keys(&self) -> bool {
        self.identity.is_some() && !self.signed_prekeys.is_empty()
    }

    pub(super) fn prekeys(
        &self,
        identity: Fingerprint,
        kind: PrekeyKind,
        id: PrekeyId,
    ) -> Vec<Arc<PrekeySecret>> {
        match kind {
            PrekeyKind::Signed => self.signed_prekeys.get(&id).cloned().into_iter().collect(),
            PrekeyKind::OneTime => {
                let batches = self.batches_of(identity);
                batches.filter_map(|(_, batch)| batch.prekey(id).map(Arc::new)).collect()
            }
            PrekeyKind::Device => Vec::new(),
        }
    }

    pub(super) fn has_prekey(&self, identity: Fingerprint, kind: PrekeyKind, id: PrekeyId) -> bool {
        match kind {
            PrekeyKind::Signed => self.signed_prekeys.contains_key(&id),
            PrekeyKind::OneTime => self.batches_of(identity).any(|(_, batch)| batch.seed(id).is_some()),
            PrekeyKind::Device => false,
        }
    }

    pub(super) fn batches_of(&self, identity: Fingerprint) -> impl Iterator<Item = (Slot, &Batch)> {
        let identity = beginning(identity);
        let of_identity = self.batches.iter().filter(move |(slot, _)| slot.identity == identity);
        of_identity.map(|(slot, batch)| (*slot, batch))
    }

    /// Those of them that begin not further from this id than there is a reason for.
    pub(super) fn batches_near(&self, identity: Fingerprint, id: PrekeyId) -> impl Iterator<Item = &Batch> {
        let furthest = id.0.saturating_add(NEAR);
        self.batches_of(identity).map(|(_, batch)| batch).filter(move |batch| batch.first.0 <= furthest)
    }

    pub(super) fn archive_key(&self, epoch: EpochId) -> Option<ArchiveKey> {
        self.archive_keys.get(&epoch).map(|epoch| epoch.key.clone())
    }
}

/// Where a signed prekey's row stands: its number, big-endian.
pub(crate) fn prekey_key_id(id: PrekeyId) -> [u8; 4] {
    id.0.to_be_bytes()
}

/// What a signed prekey's row holds: `sequence (u64, big-endian) || seed (32)`; without the seed once it was erased.
pub(crate) fn prekey_to_row(prekey: &PrekeySecret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&prekey.sequence().to_be_bytes(), prekey.seed().expose_bytes().as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use protocol::Binary;

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
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(2, 5)), Ok(true), "by another device");
        assert_eq!(contents.absorb(ME, &key(), &prekey_row(3, 5)), Ok(true));
        let prekey = &contents.signed_prekeys[&PrekeyId(7)];
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
        assert!(contents.rows.is_empty() && contents.signed_prekeys.is_empty());
    }
}

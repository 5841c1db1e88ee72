//! Keys that are made, and keys that die: signed and one-time prekeys, archive epochs.

use std::collections::BTreeSet;

use crypto::{
    archive::ArchiveKey,
    id::{EpochId, Fingerprint, PrekeyId},
    prekey::{PrekeySecret, PrekeySeed},
    vault::VaultKind,
};
use protocol::limits::MAX_PREKEYS_AT_ONCE;
use zeroize::Zeroizing;

use crate::{
    Device, Interruption,
    device::DeviceRng,
    records::Records,
    vault::{
        Vault,
        contents::{Batch, Contents, Epoch, MAX_FIRST_ID, MAX_SLOTS, NEAR, Slot},
        prekey_key_id, prekey_to_row,
    },
};

/// By how much clocks of one's own devices differ at most, for an epoch to count as one of today: a day.
pub(crate) const CLOCKS_MS: u64 = 24 * 60 * 60 * 1_000;
/// Whether an id and a sequence are not further from the published ones than there is a reason for.
fn is_near(known: (PrekeyId, u64), published: (PrekeyId, u64)) -> bool {
    known.0.0 <= published.0.0.saturating_add(NEAR) && known.1 <= published.1.saturating_add(u64::from(NEAR))
}

impl Vault {
    /// The signed prekey that lives and comes after the published one of this id and sequence: the newest.
    pub(crate) fn next_signed_prekey(&self, published: (PrekeyId, u64)) -> Option<PrekeySecret> {
        let contents = self.contents();
        let after = contents.signed_prekeys.range(published.0..).rev().map(|(_, prekey)| prekey);
        let mut after = after.filter(|prekey| prekey.id() > published.0 && prekey.sequence() > published.1);
        let next = after.find(|prekey| is_near((prekey.id(), prekey.sequence()), published));
        next.map(|prekey| PrekeySecret::clone(prekey))
    }

    /// The signed prekeys that live, but the one of this id and those after it.
    pub(crate) fn signed_prekeys_before(&self, id: PrekeyId) -> Vec<PrekeyId> {
        self.contents().signed_prekeys.range(..id).map(|(id, _)| *id).collect()
    }

    /// Makes a signed prekey that comes after the published one of this id and sequence, and after all that there are. When
    /// another device makes one at the same moment, that is it.
    pub(crate) async fn make_signed_prekey(
        &self,
        device: &impl Device,
        records: &Records,
        published: (PrekeyId, u64),
    ) -> Result<(), Interruption> {
        let (id, sequence) = {
            let contents = self.contents();
            let known = contents.signed_sequences.iter().map(|(id, sequence)| (*id, *sequence));
            let near = known.filter(|known| is_near(*known, published));
            near.fold(published, |last, known| (last.0.max(known.0), last.1.max(known.1)))
        };
        let id = PrekeyId(id.0.saturating_add(1));
        let prekey = PrekeySecret::generate(id, sequence.saturating_add(1), &mut DeviceRng(device));
        let content = prekey_to_row(&prekey);
        self.add_if_missing(device, records, VaultKind::Prekey, &prekey_key_id(id), &content).await
    }

    /// Erases the seed of a signed prekey.
    pub(crate) async fn erase_signed_prekey(
        &self,
        device: &impl Device,
        records: &Records,
        id: PrekeyId,
    ) -> Result<(), Interruption> {
        let place = (VaultKind::Prekey, prekey_key_id(id).to_vec());
        let erased = |contents: &Contents| {
            let prekey = contents.signed_prekeys.get(&id)?;
            Some(Zeroizing::new(prekey.sequence().to_be_bytes().to_vec()))
        };
        self.edit_row(device, records, place, erased).await
    }

    /// The one-time prekeys of this identity key that live and have a higher id, as many as are published at once.
    pub(crate) fn one_time_after(&self, identity: Fingerprint, last: PrekeyId) -> Vec<PrekeySecret> {
        let contents = self.contents();
        let near = contents.batches_near(identity, last);
        let live = near.flat_map(|batch| batch.ids().map(move |id| (id, batch)));
        let mut after: Vec<_> = live.filter(|(id, _)| *id > last).collect();
        after.sort_by_key(|(id, _)| *id);
        after.dedup_by_key(|(id, _)| *id);
        after.truncate(MAX_PREKEYS_AT_ONCE);
        after.into_iter().filter_map(|(id, batch)| batch.prekey(id)).collect()
    }

    /// The last id of the batches of this identity key that are near to what is published, but for those that were made within
    /// this time.
    pub(crate) fn last_one_time_but(
        &self,
        identity: Fingerprint,
        made: Option<core::ops::RangeInclusive<u64>>,
        published: PrekeyId,
    ) -> PrekeyId {
        let contents = self.contents();
        let is_left_out = |batch: &Batch| made.as_ref().is_some_and(|made| made.contains(&batch.made_at_ms));
        let near = contents.batches_near(identity, published).filter(|batch| !is_left_out(batch));
        PrekeyId(near.map(|batch| batch.end().saturating_sub(1)).max().unwrap_or(0))
    }

    /// Those of these ids that no prekey has which lives: it is dead, or a server that was set back has lost it before any
    /// device that is left had seen it.
    pub(crate) fn dead_one_time<'a>(
        &self,
        identity: Fingerprint,
        ids: &'a [PrekeyId],
    ) -> impl Iterator<Item = PrekeyId> + 'a {
        let living: BTreeSet<PrekeyId> =
            self.contents().batches_of(identity).flat_map(|(_, batch)| batch.ids()).collect();
        ids.iter().copied().filter(move |id| !living.contains(id))
    }

    /// Makes a batch of one-time prekeys, their ids after all that there were and after `last`; `now_ms` is the server's time,
    /// which says how long it will hand them out. `false`: every slot is taken.
    pub(crate) async fn make_batch(
        &self,
        device: &impl Device,
        records: &Records,
        identity: Fingerprint,
        last: PrekeyId,
        now_ms: u64,
    ) -> Result<bool, Interruption> {
        let (slot, first, sequence) = {
            let contents = self.contents();
            let taken: BTreeSet<u32> = contents
                .batches_of(identity)
                .filter(|(_, batch)| !batch.is_erased())
                .map(|(slot, _)| slot.number)
                .collect();
            let Some(free) = (0..MAX_SLOTS).find(|number| !taken.contains(number)) else { return Ok(false) };
            let end = contents.batches_near(identity, last).map(Batch::end).max().unwrap_or(1);
            let first = end.max(last.0.saturating_add(1));
            if first > MAX_FIRST_ID {
                // No server has ever taken so many.
                return Ok(false);
            }
            let sequences = contents.batches_near(identity, last).map(|batch| batch.sequence);
            (Slot::of(identity, free), PrekeyId(first), sequences.max().unwrap_or(0).saturating_add(1))
        };
        let seeds = (0..MAX_PREKEYS_AT_ONCE).map(|_| Some(PrekeySeed::generate(&mut DeviceRng(device))));
        let batch = Batch { first, sequence, made_at_ms: now_ms, seeds: seeds.collect() };
        let place = (VaultKind::OneTimePrekeys, slot.key_id());
        // A slot that another device has filled meanwhile stays as it is.
        let made = |contents: &Contents| {
            let is_free = contents.batches.get(&slot).is_none_or(Batch::is_erased);
            let counts_on = contents.batches_near(identity, last).all(|other| other.end() <= first.0);
            (is_free && counts_on).then(|| batch.to_row())
        };
        self.edit_row(device, records, place, made).await?;
        Ok(true)
    }

    /// Erases the seeds of these one-time prekeys, where they live.
    pub(crate) async fn erase_one_time(
        &self,
        device: &impl Device,
        records: &Records,
        used: &BTreeSet<(Fingerprint, PrekeyId)>,
    ) -> Result<(), Interruption> {
        let slots: BTreeSet<Slot> = {
            let contents = self.contents();
            let slots = used.iter().flat_map(|(identity, id)| {
                let batches = contents.batches_of(*identity);
                batches.filter(|(_, batch)| batch.seed(*id).is_some()).map(|(slot, _)| slot)
            });
            slots.collect()
        };
        for slot in slots {
            let erased = |contents: &Contents| {
                let mut batch = contents.batches.get(&slot)?.clone();
                let mut has_changed = false;
                for (identity, id) in used {
                    if Slot::of(*identity, slot.number) == slot && batch.seed(*id).is_some() {
                        batch.seeds[(id.0 - batch.first.0) as usize] = None;
                        has_changed = true;
                    }
                }
                has_changed.then(|| batch.to_row())
            };
            self.edit_row(device, records, (VaultKind::OneTimePrekeys, slot.key_id()), erased).await?;
        }
        Ok(())
    }

    /// The one-time prekeys that live and were made before.
    pub(crate) fn one_time_before(&self, made_before_ms: u64) -> BTreeSet<(Fingerprint, PrekeyId)> {
        let contents = self.contents();
        let identities = contents.past_identities.keys().copied();
        let today = contents.identity.as_ref().map(|identity| identity.public().fingerprint());
        let old = identities.chain(today).flat_map(|identity| {
            let batches = contents.batches_of(identity);
            let old = batches.filter(|(_, batch)| batch.made_at_ms < made_before_ms);
            old.flat_map(|(_, batch)| batch.ids()).map(move |id| (identity, id))
        });
        old.collect()
    }

    /// The one-time prekeys of this identity key that live and have served: up to the last that was published, and not among
    /// those that somebody may still write to.
    pub(crate) fn one_time_that_served(
        &self,
        identity: Fingerprint,
        last: PrekeyId,
        outstanding: &[PrekeyId],
    ) -> BTreeSet<(Fingerprint, PrekeyId)> {
        let contents = self.contents();
        let live = contents.batches_of(identity).flat_map(|(_, batch)| batch.ids());
        let served = live.filter(|id| *id <= last && outstanding.binary_search(id).is_err());
        served.map(|id| (identity, id)).collect()
    }

    /// The newest archive epoch that was made within this time, and its key. One that a clock which was ahead has made in the
    /// future opens what it sealed, and seals nothing more.
    pub(crate) fn current_epoch(
        &self,
        made: core::ops::RangeInclusive<u64>,
    ) -> Option<(EpochId, ArchiveKey)> {
        let contents = self.contents();
        let made = contents.archive_keys.iter().filter(|(_, epoch)| made.contains(&epoch.made_at_ms));
        let newest = made.max_by_key(|(id, epoch)| (epoch.made_at_ms, **id));
        newest.map(|(id, epoch)| (*id, epoch.key.clone()))
    }

    /// Begins a new archive epoch.
    pub(crate) async fn turn_epoch(
        &self,
        device: &impl Device,
        records: &Records,
    ) -> Result<(EpochId, ArchiveKey), Interruption> {
        let id = EpochId::random(&mut DeviceRng(device));
        let key = ArchiveKey::generate(&mut DeviceRng(device));
        // After all that were made, as far as they are not of the future.
        let now_ms = device.now_ms();
        let made = self.contents().archive_keys.values().map(|epoch| epoch.made_at_ms).collect::<Vec<_>>();
        let newest = made.into_iter().filter(|made_at_ms| *made_at_ms <= now_ms + CLOCKS_MS).max();
        let made_at_ms = newest.map_or(now_ms, |newest| now_ms.max(newest + 1));
        let row = Epoch { made_at_ms, key: key.clone() }.to_row();
        self.add_if_missing(device, records, VaultKind::ArchiveKey, &id.to_bytes(), &row).await?;
        Ok((id, key))
    }
}

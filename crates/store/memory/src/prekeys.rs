use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use crypto::{
    id::{AccountId, DeviceId, PrekeyId},
    prekey::SignedPrekey,
};
use protocol::Cursor;
use relay::port::{
    Claim, Claimed, ItemState, NewPrekeys, PASSED_OVER, Prekeys, PublishOutcome, StoreError,
    StoredPrekeyStatus,
};

use crate::{MemoryStore, account::Account};

/// Prekeys that serve once.
#[derive(Clone, Default)]
pub(crate) struct Pool {
    /// The highest id that was ever published here.
    last_id: u32,
    pub(crate) prekeys: BTreeMap<PrekeyId, OneTimePrekey>,
}

#[derive(Clone)]
pub(crate) enum OneTimePrekey {
    Unclaimed { prekey: SignedPrekey, published_at_ms: u64 },
    Claimed { by: AccountId, at_ms: u64 },
}

impl OneTimePrekey {
    /// Whether it is too old to be handed out, or was handed out too long ago to be used.
    fn is_old(&self, before_ms: u64) -> bool {
        let (Self::Unclaimed { published_at_ms: at_ms, .. } | Self::Claimed { at_ms, .. }) = self;
        *at_ms < before_ms
    }
}

impl Pool {
    /// What a copy has that was put back: nothing to hand out, and no number that may have been used since.
    pub(crate) fn is_put_back(&mut self) {
        self.prekeys.clear();
        self.last_id = self.last_id.saturating_add(PASSED_OVER);
    }

    /// How many nobody has claimed that somebody may get.
    fn left(&self, published_after_ms: u64) -> usize {
        let is_left = |prekey: &&OneTimePrekey| matches!(prekey, OneTimePrekey::Unclaimed { published_at_ms, .. } if *published_at_ms >= published_after_ms);
        self.prekeys.values().filter(is_left).count()
    }

    /// How many this account has claimed that no message has used.
    fn unused_by(&self, account: AccountId) -> usize {
        let is_theirs =
            |prekey: &&OneTimePrekey| matches!(prekey, OneTimePrekey::Claimed { by, .. } if *by == account);
        self.prekeys.values().filter(is_theirs).count()
    }

    /// Takes those that do not repeat what was published before. `false`: there is no room for them.
    fn fill(&mut self, prekeys: Vec<SignedPrekey>, at_ms: u64, published_after_ms: u64, room: u32) -> bool {
        let last_id = self.last_id;
        let new: Vec<SignedPrekey> = prekeys.into_iter().filter(|prekey| prekey.id().0 > last_id).collect();
        if !new.is_empty() && self.left(published_after_ms) + new.len() > room as usize {
            return false;
        }
        for prekey in new {
            self.last_id = self.last_id.max(prekey.id().0);
            self.prekeys.insert(prekey.id(), OneTimePrekey::Unclaimed { prekey, published_at_ms: at_ms });
        }
        true
    }

    /// Drops those that nobody has claimed, but for these.
    fn take_back_but(&mut self, but: &[SignedPrekey]) {
        self.prekeys.retain(|_, slot| match slot {
            OneTimePrekey::Unclaimed { prekey, .. } => but.contains(prekey),
            OneTimePrekey::Claimed { .. } => true,
        });
    }

    /// Hands out the lowest that nobody has claimed.
    fn claim(
        &mut self,
        claimed_by: AccountId,
        claimed_at_ms: u64,
        published_after_ms: u64,
    ) -> Option<SignedPrekey> {
        self.prekeys.values_mut().find_map(|slot| match slot {
            OneTimePrekey::Unclaimed { prekey, published_at_ms }
                if *published_at_ms >= published_after_ms =>
            {
                let prekey = prekey.clone();
                *slot = OneTimePrekey::Claimed { by: claimed_by, at_ms: claimed_at_ms };
                Some(prekey)
            }
            OneTimePrekey::Unclaimed { .. } | OneTimePrekey::Claimed { .. } => None,
        })
    }
}

#[async_trait]
impl Prekeys for MemoryStore {
    async fn publish_prekeys(
        &self,
        account: AccountId,
        new: NewPrekeys,
    ) -> Result<PublishOutcome, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(PublishOutcome::Conflict) };
        let NewPrekeys { identity, signed, one_time, replace, device, at_ms, published_after_ms, room } = new;
        if found.registered.identity.fingerprint() != identity {
            return Ok(PublishOutcome::Conflict);
        }
        let standing = &found.registered.prekey;
        let signed = signed.filter(|signed| signed != standing);
        if signed
            .as_ref()
            .is_some_and(|new| new.id() <= standing.id() || new.sequence() <= standing.sequence())
        {
            return Ok(PublishOutcome::Conflict);
        }
        let of_device = device.map(|(device, prekeys)| (Some(device), prekeys));
        let mut filled = Vec::new();
        for (device, prekeys) in [(None, one_time)].into_iter().chain(of_device) {
            let mut pool = found.pools.get(&device).cloned().unwrap_or_default();
            if replace && device.is_none() {
                pool.take_back_but(&prekeys);
            }
            if !pool.fill(prekeys, at_ms, published_after_ms, room) {
                return Ok(PublishOutcome::Full);
            }
            filled.push((device, pool));
        }
        if let Some(signed) = signed {
            found.registered.prekey = signed;
            found.prekey_at_ms = at_ms;
        }
        found.pools.extend(filled);
        Ok(PublishOutcome::Done)
    }

    async fn prekey_status(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        archived_to: Cursor,
        published_after_ms: u64,
    ) -> Result<Option<StoredPrekeyStatus>, StoreError> {
        let state = self.lock();
        Ok(state.accounts.get(&account).map(|found| {
            let (one_time_left, last_one_time) = found.pool_status(None, published_after_ms);
            let (device_left, last_device) =
                device.map_or((0, 0), |device| found.pool_status(Some(device), published_after_ms));
            let mut places = found.mailbox.iter().zip(1..);
            let unarchived = places
                .find(|(delivery, place)| *place > archived_to.0 && delivery.state == ItemState::Sealed);
            StoredPrekeyStatus {
                signed: found.registered.prekey.clone(),
                signed_at_ms: found.prekey_at_ms,
                one_time_left,
                last_one_time,
                device_left,
                last_device,
                first_unarchived: unarchived.map(|(_, place)| Cursor(place)),
            }
        }))
    }

    async fn outstanding_prekeys(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        published_after_ms: u64,
        claimed_after_ms: u64,
    ) -> Result<Vec<PrekeyId>, StoreError> {
        let state = self.lock();
        let pool = state.accounts.get(&account).and_then(|found| found.pools.get(&device));
        let prekeys = pool.into_iter().flat_map(|pool| &pool.prekeys);
        let outstanding = prekeys.filter(|(_, prekey)| match prekey {
            OneTimePrekey::Unclaimed { published_at_ms, .. } => *published_at_ms >= published_after_ms,
            OneTimePrekey::Claimed { at_ms, .. } => *at_ms >= claimed_after_ms,
        });
        Ok(outstanding.map(|(id, _)| *id).collect())
    }

    async fn claim_prekeys(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        let mut state = self.lock();
        let Claim { by, by_device, accounts, of_devices, at_ms, published_after_ms, most_unused } = claim;
        for pool in state.accounts.values_mut().flat_map(|account| account.pools.values_mut()) {
            pool.prekeys.retain(|_, prekey| !prekey.is_old(published_after_ms));
        }
        let mut claimed = Vec::new();
        // An account that is named twice does not get the same prekey twice.
        for account in accounts.into_iter().collect::<HashSet<_>>() {
            let Some(found) = state.accounts.get_mut(&account) else { continue };
            for (device, pool) in &mut found.pools {
                if device.is_some() == of_devices
                    && (device.is_none() || *device != by_device)
                    && pool.unused_by(by) < most_unused as usize
                    && let Some(prekey) = pool.claim(by, at_ms, published_after_ms)
                {
                    claimed.push(Claimed { account, device: *device, prekey });
                }
            }
        }
        Ok(claimed)
    }
}

impl Account {
    /// How many are unclaimed in a pool, and the highest id ever published there.
    fn pool_status(&self, device: Option<DeviceId>, published_after_ms: u64) -> (u32, u32) {
        let pool = self.pools.get(&device);
        pool.map_or((0, 0), |pool| (pool.left(published_after_ms) as u32, pool.last_id))
    }
}

//! What is due on an account, whichever of its devices comes first: prekeys are rotated and refilled, what was opened before
//! is archived, keys whose time is over die, devices that are signed out leave the log. Each step may be interrupted
//! anywhere, and done by several devices at once.

use std::collections::BTreeSet;

use crypto::{
    device_log::Change as LogChange,
    envelope::{Delivery, Header, Way},
    id::{Fingerprint, PrekeyId},
    prekey::{PrekeyKind, PrekeySecret, PrekeySeed, SignedPrekey},
};
use protocol::{
    Binary, Code, Cursor,
    limits::{CLAIM_LIFETIME_MS, MAX_PAGE_ITEMS, MAX_PREKEYS_AT_ONCE, PREKEY_LIFETIME_MS},
    mailbox::FetchPage,
    prekey::{FetchPrekeyStatus, PrekeyStatus, PublishPrekeys},
};

use crate::{
    Account, Device, Interruption, StoreUnavailable, SyncError,
    device::{Change, DeviceRng},
    engine::Engine,
    records::KeptDelivery,
    repairs::Repair,
    this_device::ThisDevice,
};

/// How old a signed prekey is when it is replaced: a week.
const ROTATE_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a signed prekey lives on after it was replaced: two days. A server that is set back to yesterday's copy offers it
/// once more, and what is sealed to it then must open.
const REPLACED_LIVES_MS: u64 = 2 * 24 * 60 * 60 * 1_000;
/// How long a batch may wait to be published: half a day, of the day by which it outlives its being handed out.
const PUBLISH_WITHIN_MS: u64 = 12 * 60 * 60 * 1_000;
/// How many unclaimed one-time prekeys call for a new batch.
const REFILL_BELOW: u32 = 30;
/// When a one-time prekey dies that nobody has written to: nobody can any more, and a day is left for clocks.
const FORGET_AFTER_MS: u64 = PREKEY_LIFETIME_MS + CLAIM_LIFETIME_MS + 24 * 60 * 60 * 1_000;
/// Messages of one sender that did not open and are looked at again at once: the newest.
const MAX_READ_AGAIN: usize = 10;
/// How long a delivery waits for a device log that names its device: a week. A server that shows it later is of no use.
const WAITS_FOR_LOG_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// How long the keys of a delivery live that waits for the user's word about its sender: 90 days. A stranger must not keep a
/// key alive for ever.
const WAITS_FOR_WORD_MS: u64 = 90 * 24 * 60 * 60 * 1_000;

impl<D: Device> Account<D> {
    /// Does what is due. To be called when the account was opened, and every hour or so; what is not due costs two calls.
    ///
    /// # Errors
    /// [`SyncError`]. What was done is done; the next call goes on.
    pub async fn maintain(&self) -> Result<(), SyncError> {
        self.0.maintain().await
    }
}

impl<D: Device> Engine<D> {
    pub(crate) async fn maintain(&self) -> Result<(), SyncError> {
        let _turn = self.maintaining.lock().await;
        self.check_whose_session().await?;
        self.this_device().await?;
        self.compare_own_log().await?;
        tolerated(self.finish_revocation().await)?;
        self.compare_mailbox().await?;
        match self.publish_what_is_due().await {
            // A server that was set back has lost which device this session is of, or takes it for one that gave lost
            // entries back.
            Err(Interruption::Refused(refusal)) if refusal.code == Code::InvalidKeys => {
                self.note_repair(Repair::DeviceIntroducedAgain).await?;
                self.introduce_again().await?;
                self.publish_what_is_due().await?;
            }
            other => other?,
        }
        let this = self.this_device().await?;
        // What comes after this word is sealed to what stands now: so when all is read, the keys of before are not needed.
        let status = self.status().await?;
        let former = self.former_devices().await?;
        self.sync().await?;
        if !former.is_empty() {
            self.forget_devices(&former, &self.prekeys_of_held(&status).await?).await?;
        }
        self.read_again().await?;
        self.give_up_what_waits_for_logs(&status).await?;
        self.archive_what_was_not(&status).await?;
        self.erase_keys_that_served(&status).await?;
        self.erase_old_keys(&status).await?;
        self.end_devices_without_session(&this).await?;
        Ok(())
    }

    pub(crate) async fn status(&self) -> Result<PrekeyStatus, Interruption> {
        let archived_to = self.archived_to().await?;
        Ok(self.device.call(FetchPrekeyStatus { archived_to }).await?)
    }

    async fn publish_what_is_due(&self) -> Result<(), Interruption> {
        let (this, status) = (&self.this_device().await?, &self.status().await?);
        self.refresh_vault().await?;
        let dead = self.dead_though_offered(this, status).await?;
        if !dead.is_empty() {
            self.note_repair(Repair::PrekeysReplaced).await?;
            // What was archived since then is to be archived again.
            let forgotten = Change::Remove { name: self.records.archived_to() };
            self.records.write(&*self.device, vec![forgotten]).await?;
            self.replace_one_time_prekeys().await?;
            if dead.iter().any(|(kind, _)| *kind == PrekeyKind::Device) {
                // A device whose keys the server hands out and nobody has is none any more.
                return self.begin_as_new_device(this).await;
            }
        }
        let signed = self.signed_prekey_due(status).await?;
        let one_time = self.one_time_due(status).await?;
        let device = self.device_prekeys_due(this, status).await?;
        if signed.is_none() && one_time.is_empty() && device.is_empty() {
            return Ok(());
        }
        self.device.call(PublishPrekeys { signed, one_time, device, replace: false }).await?;
        Ok(())
    }

    /// The prekeys that the server would hand out though they are dead: it was set back to a copy from before they served. Its
    /// word may be older than their end, so it is asked again about what was dead before.
    async fn dead_though_offered(
        &self,
        this: &ThisDevice,
        status: &PrekeyStatus,
    ) -> Result<BTreeSet<(PrekeyKind, PrekeyId)>, Interruption> {
        let mut dead = self.dead_of_outstanding(this, status).await?;
        if !dead.is_empty() {
            let again = self.dead_of_outstanding(this, &self.status().await?).await?;
            dead.retain(|dead| again.contains(dead));
        }
        Ok(dead)
    }

    /// The prekeys that somebody may still write to by the server's word, and that lived here once.
    async fn dead_of_outstanding(
        &self,
        this: &ThisDevice,
        status: &PrekeyStatus,
    ) -> Result<BTreeSet<(PrekeyKind, PrekeyId)>, StoreUnavailable> {
        let identity = self.identity.public().fingerprint();
        let mut dead: BTreeSet<_> = self
            .vault
            .dead_one_time(identity, &status.one_time_outstanding)
            .map(|id| (PrekeyKind::OneTime, id))
            .collect();
        // What is there after the last that lives is being published. Where none lives, none was made yet, or all are dead.
        let of_device = self.device_prekey_ids(this.id).await?;
        if status.device == Some(this.id) {
            let is_dead = |id: &PrekeyId| {
                of_device.last().is_none_or(|last| id < last && of_device.binary_search(id).is_err())
            };
            let lived = status.device_outstanding.iter().filter(|id| is_dead(id));
            dead.extend(lived.map(|id| (PrekeyKind::Device, *id)));
        }
        Ok(dead)
    }

    /// Whether the signed prekey that the server names is this account's own, and lives: what it names otherwise says nothing
    /// about which keys are not needed any more.
    fn serves(&self, published: &SignedPrekey) -> bool {
        let identity = self.identity.public().fingerprint();
        let known = self.vault.prekeys(identity, PrekeyKind::Signed, published.id());
        known.iter().any(|known| known.sign(self.me.account, &self.identity) == *published)
    }

    /// Whether this account's key has signed it.
    fn is_own(&self, published: &SignedPrekey) -> bool {
        published.verify(self.me.account, &self.identity.public()).is_ok()
    }

    /// The device that this one was leaves the log, and takes its prekeys with it.
    async fn begin_as_new_device(&self, before: &ThisDevice) -> Result<(), Interruption> {
        // What its prekeys still open is read first.
        match self.sync().await {
            Ok(_) | Err(SyncError::Gap) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption),
        }
        self.records.write(&*self.device, vec![Change::Remove { name: self.records.device() }]).await?;
        self.set_introduced(None);
        self.this_device().await?;
        self.append_to_log(LogChange::Revoked(before.id)).await?;
        Ok(())
    }

    /// The signed prekey that is to take the place of the published one, if it is a week old, was to be replaced already, or
    /// nobody has it any more: it was published while the server was set back, by a device that is gone.
    async fn signed_prekey_due(&self, status: &PrekeyStatus) -> Result<Option<SignedPrekey>, Interruption> {
        let published = self.published(status);
        let is_due = status.now_ms.saturating_sub(status.signed_at_ms) >= ROTATE_AFTER_MS
            || self.is_own(&status.signed) && !self.serves(&status.signed);
        if is_due && self.vault.next_signed_prekey(published).is_none() {
            // A full vault takes none: the one that stands serves on.
            tolerated(self.vault.make_signed_prekey(&*self.device, &self.records, published).await)?;
        }
        let next = self.vault.next_signed_prekey(published);
        Ok(next.map(|next| next.sign(self.me.account, &self.identity)))
    }

    /// The id and sequence of the signed prekey that the server names, if it is this account's own.
    fn published(&self, status: &PrekeyStatus) -> (PrekeyId, u64) {
        let own = Some(&status.signed).filter(|published| self.is_own(published));
        own.map_or((PrekeyId(0), 0), |published| (published.id(), published.sequence()))
    }

    /// Replaces the signed prekey now: a device that had it was ended.
    pub(crate) async fn rotate_signed_prekey(&self) -> Result<(), Interruption> {
        let status = self.status().await?;
        // One that waits in the vault is no better: who was ended may have it.
        let published = self.published(&status);
        self.vault.make_signed_prekey(&*self.device, &self.records, published).await?;
        if let Some(next) = self.vault.next_signed_prekey(published) {
            let signed = Some(next.sign(self.me.account, &self.identity));
            self.device.call(PublishPrekeys { signed, ..PublishPrekeys::default() }).await?;
        }
        Ok(())
    }

    /// A batch that only those have who are still there, in the place of what nobody has claimed, and of what waits in the
    /// vault. Those die when all was read that may have come to them: another device may be publishing them at this moment.
    pub(crate) async fn replace_one_time_prekeys(&self) -> Result<(), Interruption> {
        let identity = self.identity.public().fingerprint();
        let status = self.status().await?;
        let published = PrekeyId(status.last_one_time);
        let last = published.max(self.vault.last_one_time_but(identity, None, published));
        let made = self.vault.make_batch(&*self.device, &self.records, identity, last, status.now_ms).await;
        // With a full vault, what was published is taken back all the same.
        tolerated(made.map(drop))?;
        let mut batch = self.vault.one_time_after(identity, last);
        batch.retain(|prekey| prekey.id().0 - last.0 <= MAX_PREKEYS_AT_ONCE as u32);
        let mut one_time: Vec<SignedPrekey> =
            batch.iter().map(|prekey| prekey.sign(self.me.account, &self.identity)).collect();
        loop {
            let is_empty = one_time.is_empty();
            let publish = PublishPrekeys {
                one_time: core::mem::take(&mut one_time),
                replace: true,
                ..PublishPrekeys::default()
            };
            match self.device.call(publish).await.map_err(Interruption::from) {
                Ok(_) => return Ok(()),
                // What is refused waits for its turn; what was published is taken back in any case.
                Err(Interruption::Refused(_)) if !is_empty => {}
                Err(error) => return tolerated(Err(error)),
            }
        }
    }

    /// The batch that was made and did not reach the server; or a new one, when few are left. One that has waited for long is
    /// left out: it would die while the server still hands it out.
    async fn one_time_due(&self, status: &PrekeyStatus) -> Result<Vec<SignedPrekey>, Interruption> {
        let identity = self.identity.public().fingerprint();
        let made =
            status.now_ms.saturating_sub(PUBLISH_WITHIN_MS)..=status.now_ms.saturating_add(PUBLISH_WITHIN_MS);
        let published = PrekeyId(status.last_one_time);
        let last = published.max(self.vault.last_one_time_but(identity, Some(made), published));
        let mut waiting = self.vault.one_time_after(identity, last);
        if !waiting.is_empty() {
            self.note_repair(Repair::PrekeysPublishedAgain).await?;
        } else if status.one_time_left < REFILL_BELOW {
            let made =
                self.vault.make_batch(&*self.device, &self.records, identity, last, status.now_ms).await;
            tolerated(made.map(drop))?;
            waiting = self.vault.one_time_after(identity, last);
        }
        Ok(waiting.iter().map(|prekey| prekey.sign(self.me.account, &self.identity)).collect())
    }

    /// The same for the prekeys that only this device has.
    async fn device_prekeys_due(
        &self,
        this: &ThisDevice,
        status: &PrekeyStatus,
    ) -> Result<Vec<SignedPrekey>, Interruption> {
        let last = PrekeyId(status.last_device);
        let after = async || -> Result<Vec<PrekeySecret>, StoreUnavailable> {
            let mut prekeys = Vec::new();
            for id in self.device_prekey_ids(this.id).await?.into_iter().filter(|id| *id > last) {
                prekeys.extend(self.device_prekey(this.id, id).await?);
            }
            prekeys.truncate(MAX_PREKEYS_AT_ONCE);
            Ok(prekeys)
        };
        let mut waiting = after().await?;
        if waiting.is_empty() && status.device_left < REFILL_BELOW {
            let first = last.0.saturating_add(1);
            // Of two tabs that make them at the same moment, each is of the one that comes first, and both publish those.
            for id in first..first.saturating_add(MAX_PREKEYS_AT_ONCE as u32) {
                let seed = PrekeySeed::generate(&mut DeviceRng(&*self.device));
                let kept = (u64::from(first), Binary(seed.expose_bytes().to_vec()));
                let name = self.records.device_prekey(this.id, PrekeyId(id));
                let sealed = self.records.seal(&*self.device, &name, &kept);
                self.records.put_if_absent(&*self.device, &name, sealed).await?;
            }
            waiting = after().await?;
        }
        Ok(waiting.iter().map(|prekey| prekey.sign_by_device(self.me.account, &this.key)).collect())
    }

    /// What an earlier version took without archiving it, or this one did not come to: page by page from the first place
    /// that the server names. What cannot be archived (it does not open, or waits for a key) is passed, and not looked at
    /// again here.
    async fn archive_what_was_not(&self, status: &PrekeyStatus) -> Result<(), Interruption> {
        let Some(first) = status.first_unarchived else { return Ok(()) };
        let mut after = Cursor(first.0.saturating_sub(1));
        let mut has_archived = false;
        loop {
            let page = self.device.call(FetchPage { after, limit: MAX_PAGE_ITEMS }).await?;
            let Some(last) = page.items.last().map(|item| item.cursor) else { break };
            let unarchived = page.items.into_iter().filter(|item| !item.seal.0.is_empty()).collect();
            has_archived |= self.archive_again(unarchived).await?;
            after = last;
            if after >= page.end {
                break;
            }
            self.device.breathe().await;
        }
        let record = self.records.put(&*self.device, self.records.archived_to(), &after);
        self.records.write(&*self.device, vec![record]).await?;
        if has_archived {
            self.note_repair(Repair::ArchivedLater).await?;
        }
        Ok(())
    }

    /// Up to where everything was archived that can be.
    async fn archived_to(&self) -> Result<Cursor, StoreUnavailable> {
        let name = self.records.archived_to();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)).unwrap_or(Cursor::START))
    }

    /// Keys die whose messages came and went before this device saw them: the server knows that nobody writes to them any
    /// more, and everything that was written until it said so has been read since.
    pub(crate) async fn erase_keys_that_served(&self, status: &PrekeyStatus) -> Result<(), Interruption> {
        let needed = self.prekeys_of_held(status).await?;
        let identity = self.identity.public().fingerprint();
        let last = PrekeyId(status.last_one_time);
        let mut served = self.vault.one_time_that_served(identity, last, &status.one_time_outstanding);
        served.retain(|(identity, id)| !needed.contains(&(*identity, PrekeyKind::OneTime, *id)));
        if !served.is_empty() {
            self.vault.erase_one_time(&*self.device, &self.records, &served).await?;
        }
        // What the server says of another device, while it takes this session for that one's, says nothing of this one.
        let this = self.this_device_offline().await?;
        let Some(this) = this.filter(|this| status.device == Some(this.id)) else { return Ok(()) };
        let mut changes = Vec::new();
        for id in self.device_prekey_ids(this.id).await? {
            let is_needed =
                needed.iter().any(|(_, kind, needed)| *kind == PrekeyKind::Device && *needed == id);
            let has_served =
                id.0 <= status.last_device && status.device_outstanding.binary_search(&id).is_err();
            if has_served && !is_needed {
                changes.push(Change::Remove { name: self.records.device_prekey(this.id, id) });
            }
        }
        Ok(self.records.write(&*self.device, changes).await?)
    }

    /// Keys die that nobody needs any more: signed prekeys that were replaced, and one-time prekeys whose time is over. Not the
    /// ones that a held message waits for.
    async fn erase_old_keys(&self, status: &PrekeyStatus) -> Result<(), Interruption> {
        let needed = self.prekeys_of_held(status).await?;
        let is_long_ago = status.now_ms.saturating_sub(status.signed_at_ms) >= REPLACED_LIVES_MS;
        let replaced = if is_long_ago && self.serves(&status.signed) {
            self.vault.signed_prekeys_before(status.signed.id())
        } else {
            Vec::new()
        };
        for id in replaced {
            if !needed.iter().any(|(_, kind, needed)| *kind == PrekeyKind::Signed && *needed == id) {
                self.vault.erase_signed_prekey(&*self.device, &self.records, id).await?;
            }
        }
        let made_before_ms = status.now_ms.saturating_sub(FORGET_AFTER_MS);
        let mut over = self.vault.one_time_before(made_before_ms);
        over.retain(|(identity, id)| !needed.contains(&(*identity, PrekeyKind::OneTime, *id)));
        if !over.is_empty() {
            self.vault.erase_one_time(&*self.device, &self.records, &over).await?;
        }
        Ok(())
    }

    /// What did not open may open now: another device has given back keys that a server had lost.
    async fn read_again(&self) -> Result<(), Interruption> {
        let _turn = self.syncing.lock().await;
        let places = self.state().unreadable(MAX_READ_AGAIN);
        let mut opened = 0;
        for place in places {
            let after = Cursor(place.0.saturating_sub(1));
            let page = self.device.call(FetchPage { after, limit: 1 }).await?;
            let items =
                page.items.into_iter().filter(|item| item.cursor == place && !item.shared.0.is_empty());
            opened += self.take(items.collect(), page.now_ms).await?;
        }
        if opened > 0 {
            self.note_repair(Repair::OpenedLater).await?;
            self.changed();
        }
        Ok(())
    }

    /// What a device signed that no log names, for as long as a log is waited for, was none: the key that it came by may die.
    async fn give_up_what_waits_for_logs(&self, status: &PrekeyStatus) -> Result<(), StoreUnavailable> {
        let held = self.state().held();
        for (cursor, _) in held.into_iter().filter(|(_, waits_for)| *waits_for != self.me.account) {
            let name = self.records.delivery(cursor);
            let record = self.device.read(&name).await?;
            let record = record.and_then(|sealed| self.records.open::<KeptDelivery>(&name, &sealed));
            let Some(KeptDelivery::Held { shared, seal, received_at_ms, .. }) = record else { continue };
            let is_old = received_at_ms < status.now_ms.saturating_sub(WAITS_FOR_LOG_MS);
            let delivery = Delivery::parse(shared.as_slice(), seal.as_slice());
            let waits_for_log = delivery.is_ok_and(|delivery| self.waits_for_log(delivery.claimed_header()));
            if is_old && waits_for_log {
                let dropped = self.records.put(&*self.device, name, &KeptDelivery::Dropped);
                self.records.write(&*self.device, vec![dropped]).await?;
                self.state().take_delivery(cursor, KeptDelivery::Dropped);
            }
        }
        Ok(())
    }

    /// The prekeys that deliveries wait for which were not opened yet: for the user's word, or for what a reset put away, for
    /// [`WAITS_FOR_WORD_MS`]; or for a device log that the server does not show, for [`WAITS_FOR_LOG_MS`].
    async fn prekeys_of_held(
        &self,
        status: &PrekeyStatus,
    ) -> Result<BTreeSet<(Fingerprint, PrekeyKind, PrekeyId)>, StoreUnavailable> {
        let held = self.state().held();
        let mut needed = BTreeSet::new();
        for (cursor, _) in held {
            let name = self.records.delivery(cursor);
            let record = self.device.read(&name).await?;
            let record = record.and_then(|sealed| self.records.open::<KeptDelivery>(&name, &sealed));
            let Some(KeptDelivery::Held { shared, seal, received_at_ms, .. }) = record else { continue };
            let Ok(delivery) = Delivery::parse(shared.as_slice(), seal.as_slice()) else { continue };
            let header = delivery.claimed_header();
            let waits_ms = if self.waits_for_log(header) { WAITS_FOR_LOG_MS } else { WAITS_FOR_WORD_MS };
            if received_at_ms < status.now_ms.saturating_sub(waits_ms) {
                continue;
            }
            for (_, recipient) in header.places_of(self.me.account) {
                if let Way::Sealed(kind, id) = recipient.way {
                    needed.insert((recipient.identity, kind, id));
                }
            }
        }
        Ok(needed)
    }

    /// Whether a held delivery waits for a device log alone, and not for the user's word about its sender.
    fn waits_for_log(&self, header: &Header) -> bool {
        if self.state().contacts.question(header.sender).is_some() {
            return false;
        }
        let place = header.place_of(header.sender).map(|place| header.recipients[place].identity);
        let pin = self.vault.pin(header.sender);
        place.zip(pin).is_some_and(|(identity, pin)| pin.find(identity).is_some())
    }
}

/// A full vault keeps nobody from what can be done without it.
pub(crate) fn tolerated(done: Result<(), Interruption>) -> Result<(), Interruption> {
    match done {
        Err(Interruption::Refused(refusal)) if refusal.code == Code::QuotaExceeded => Ok(()),
        done => done,
    }
}

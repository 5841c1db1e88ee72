//! Page by page through the mailbox, and the device's own copies of it.
//!
//! Each place of the mailbox becomes one record, whatever became of its delivery. So the device's cursors need no records
//! of their own: they are the ends of the run of records without a gap, two tabs that fetch the same page write the same
//! places, and a lost record is fetched again. The run begins where the mailbox ended when the account came to this device:
//! what is new comes first, then history from its end.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{
    envelope::{Delivery, Way},
    prekey::PrekeyKind,
};
use protocol::{
    Cursor,
    content::Content,
    id::{EnvelopeHash, MessageId},
    limits::MAX_PAGE_ITEMS,
    mailbox::{FetchHistory, FetchPage, Item, Page},
};

use crate::{
    Device, Interruption, StoreUnavailable,
    device::Change,
    engine::Engine,
    inbox::{Clock, Here, Ladder, Landed, SeenHere},
    records::{KeptConversation, KeptDelivery, KeptDraft},
    set_back::is_named,
};

/// What a synchronisation brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// New messages, one's own from other devices among them.
    pub new: usize,
    /// Deliveries that were malformed, forged, for somebody else, or repeated: since this account was loaded.
    pub dropped: usize,
    /// Deliveries that wait until a contact's new key is accepted.
    pub held: usize,
}

/// Why a synchronisation stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The mailbox does not go on where this device stopped: the server leaves something out, or has lost something.
    #[error("The server's mailbox has a gap: nothing on this device was lost, ask who runs the server")]
    Gap,
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl From<StoreUnavailable> for SyncError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Interrupted(error.into())
    }
}

/// How far back known deliveries are looked at once more with what is new, in places.
const OVERLAP: u64 = 8;

/// How often in one go a server may turn out to have other messages than before.
const MAX_SET_BACKS: u32 = 4;

impl<D: Device> Engine<D> {
    /// Fetches and takes all pages after the device's cursor.
    pub(crate) async fn sync(&self) -> Result<Synced, SyncError> {
        let _turn = self.syncing.lock().await;
        self.load_once().await?;
        let gone = self.load_what_tabs_share().await?;
        let sent = self.state().sent();
        let mut new = self.fetch_new().await?;
        new += self.fetch_history().await?;
        self.state().queue_what_was_lost(&sent, self.device.now_ms());
        if self.state().take_has_met_erased() {
            let status = self.status().await?;
            new += self.fetch_new().await?;
            self.erase_keys_that_served(&status).await?;
        }
        self.forget_what_is_over().await?;
        self.look_at_changed_keys_again().await?;
        new += self.climb_again().await?;
        let (dropped, held) = {
            let mut state = self.state();
            // Sent or discarded by another tab; what was sent has come through the mailbox by now.
            for message in gone {
                state.pending.remove(&message);
            }
            (
                state.dropped,
                state.held().iter().filter(|(_, waits_for)| *waits_for != self.me.account).count(),
            )
        };
        self.changed();
        Ok(Synced { new, dropped, held })
    }

    async fn fetch_new(&self) -> Result<usize, SyncError> {
        let mut new = 0;
        // The last that are known come once more: a server that was set back has others there.
        let mut overlap = OVERLAP;
        let mut set_backs = 0;
        loop {
            let (after, from) = {
                let state = self.state();
                (state.end(), state.overlap(core::mem::take(&mut overlap)))
            };
            let request = FetchPage { after: from, limit: MAX_PAGE_ITEMS };
            let Page { items, end, now_ms } = self.device.call(request).await.map_err(Interruption::from)?;
            if end < after || self.knows_others(&items) {
                set_backs += 1;
                if set_backs > MAX_SET_BACKS {
                    return Err(SyncError::Gap);
                }
                self.set_back(end).await?;
                continue;
            }
            let items = next_in_line(after, items)?;
            if items.is_empty() {
                return if end == after { Ok(new) } else { Err(SyncError::Gap) };
            }
            self.note_clock(now_ms);
            self.state().forget_nameless(items.iter().map(|item| item.cursor));
            new += self.take(items, now_ms).await?;
            self.changed();
            if self.state().end() >= end {
                return Ok(new);
            }
            self.device.breathe().await;
        }
    }

    /// Whether another message is known to stand at the place of one of these.
    fn knows_others(&self, items: &[Item]) -> bool {
        let (Some(first), Some(last)) = (items.first(), items.last()) else { return false };
        if first.cursor > last.cursor {
            return false;
        }
        let known: BTreeMap<Cursor, EnvelopeHash> =
            self.state().names(first.cursor..=last.cursor).into_iter().collect();
        let mut named = items.iter().filter(|item| !item.shared.0.is_empty());
        named.any(|item| known.get(&item.cursor).is_some_and(|name| !is_named(item, *name)))
    }

    /// What was there before the account came to this device, newest first.
    async fn fetch_history(&self) -> Result<usize, SyncError> {
        let mut new = 0;
        loop {
            let before = self.state().beginning();
            if before <= Cursor::START.next() {
                return Ok(new);
            }
            let request = FetchHistory { before, limit: MAX_PAGE_ITEMS };
            let Page { items, end: _, now_ms } =
                self.device.call(request).await.map_err(Interruption::from)?;
            let items = last_in_line(before, items)?;
            if items.is_empty() {
                return Err(SyncError::Gap);
            }
            self.note_clock(now_ms);
            new += self.take(items, now_ms).await?;
            self.changed();
            self.device.breathe().await;
        }
    }

    fn note_clock(&self, there_ms: u64) {
        let ahead_ms = i128::from(there_ms) - i128::from(self.device.now_ms());
        self.state().server_ahead_ms = i64::try_from(ahead_ms).unwrap_or(0);
    }

    /// A key that was not accepted may be by now, on another device.
    async fn look_at_changed_keys_again(&self) -> Result<(), Interruption> {
        let changed = self.state().contacts.in_question();
        if changed.is_empty() {
            return Ok(());
        }
        for bundle in self.fetch_well_named(&changed).await? {
            self.check_bundle(&bundle).await?;
            if self.state().contacts.shows_another_log(bundle.account) {
                self.refresh_logs(&[(bundle.account, bundle.identity)]).await?;
            }
        }
        Ok(())
    }

    /// Lets the held deliveries climb again, after a key was accepted.
    pub(crate) async fn open_held(&self) -> Result<usize, Interruption> {
        let _turn = self.syncing.lock().await;
        self.load_once().await?;
        self.climb_again().await
    }

    async fn climb_again(&self) -> Result<usize, Interruption> {
        let held = self.state().held();
        let mut new = 0;
        let mut items = Vec::with_capacity(held.len());
        for (cursor, _) in held {
            let name = self.records.delivery(cursor);
            let record = self.device.read(&name).await?;
            let record = record.and_then(|sealed| self.records.open::<KeptDelivery>(&name, &sealed));
            match record {
                Some(KeptDelivery::Held { sender: _, received_at_ms, shared, seal, archived }) => {
                    items.push(Item { cursor, received_at_ms, shared, seal, archived });
                }
                // Another tab of this device was faster.
                Some(settled) => new += usize::from(self.state().take_delivery(cursor, settled)),
                // A damaged record is fetched again after the next load.
                None => {}
            }
        }
        if !items.is_empty() {
            let ahead_ms = self.state().server_ahead_ms;
            new += self.take(items, self.device.now_ms().saturating_add_signed(ahead_ms)).await?;
        }
        Ok(new)
    }

    /// Takes deliveries that follow one another: gets what the ladder needs, lets each climb, archives what was opened, keeps
    /// all in one transaction, then shows them. Returns how many new messages there were.
    pub(crate) async fn take(&self, items: Vec<Item>, there_ms: u64) -> Result<usize, Interruption> {
        let items = self.fetch_what_the_ladder_needs(items).await?;
        let here = self.here(&items).await?;
        let own_texts = self.own_texts(&items).await?;
        let clock = Clock { here_ms: self.device.now_ms(), there_ms };
        let mut landed = Vec::with_capacity(items.len());
        {
            let (logs, state) = (self.logs(), self.state());
            let ladder = Ladder {
                me: self.me.account,
                vault: &self.vault,
                logs: &logs,
                state: &state,
                here: &here,
                own_texts: &own_texts,
                clock,
            };
            let mut seen_here = SeenHere::default();
            for item in &items {
                landed.push((item.cursor, item.received_at_ms, ladder.climb(item, &mut seen_here)));
            }
        }
        if items.iter().any(|item| item.shared.0.is_empty()) {
            self.state().meet_erased();
        }
        self.settle_with_records(&items, &mut landed).await?;
        if landed.iter().any(|(.., landed)| !landed.is_sound()) {
            // Another account's mailbox looks so. What is kept would stand in the place of what is one's own.
            self.check_whose_session().await?;
        }
        self.archive(&mut landed).await?;
        let erased = self.erase_what_was_deleted(&mut landed).await?;
        // Once more: another tab may have opened it while the network was asked.
        self.settle_with_records(&items, &mut landed).await?;
        self.keep(&landed).await?;

        let mut new = 0;
        let mut state = self.state();
        for (cursor, received_at_ms, Landed { delivery, members, .. }) in landed {
            if let KeptDelivery::Message(message) = &delivery {
                let kept = KeptConversation { members, opened_at_ms: received_at_ms };
                state.add_conversation(message.conversation, kept);
            }
            new += usize::from(state.take_delivery(cursor, delivery));
        }
        for cursor in erased {
            state.erase(cursor);
        }
        Ok(new)
    }

    /// Archives deliveries that were taken before: opened once more, and nothing else is done with them. Whether any was.
    pub(crate) async fn archive_again(&self, items: Vec<Item>) -> Result<bool, Interruption> {
        if items.is_empty() {
            return Ok(false);
        }
        let items = self.fetch_what_the_ladder_needs(items).await?;
        let mut landed = Vec::with_capacity(items.len());
        {
            let (logs, state) = (self.logs(), self.state());
            let nobody = Here::default();
            let ladder = Ladder {
                me: self.me.account,
                vault: &self.vault,
                logs: &logs,
                state: &state,
                here: &nobody,
                own_texts: &BTreeMap::new(),
                clock: Clock { here_ms: 0, there_ms: 0 },
            };
            let mut seen_here = SeenHere::default();
            for item in &items {
                landed.push((item.cursor, item.received_at_ms, ladder.climb(item, &mut seen_here)));
            }
        }
        self.archive(&mut landed).await?;
        Ok(landed.iter().any(|(.., landed)| landed.to_archive.is_some()))
    }

    /// Which device this is, and was before, whatever this tab remembers; and their prekeys that these deliveries came by, as
    /// far as they live.
    async fn here(&self, items: &[Item]) -> Result<Here, StoreUnavailable> {
        let mut here = Here::default();
        let parsed = items
            .iter()
            .filter_map(|item| Delivery::parse(item.shared.as_slice(), item.seal.as_slice()).ok());
        let disappearing: Vec<Delivery> =
            parsed.filter(|delivery| delivery.claimed_header().disappears()).collect();
        if disappearing.is_empty() {
            return Ok(here);
        }
        here.devices = self.devices_here().await?;
        for delivery in &disappearing {
            for (_, recipient) in delivery.claimed_header().places_of(self.me.account) {
                if let (Way::Sealed(PrekeyKind::Device, id), Some(device)) = (recipient.way, recipient.device)
                    && here.devices.contains(&device)
                    && let Some(prekey) = self.device_prekey(device, id).await?
                {
                    here.prekeys.insert((device, id), prekey);
                }
            }
        }
        Ok(here)
    }

    /// What was written on this device, in this tab or another, and comes back now without a key.
    async fn own_texts(&self, items: &[Item]) -> Result<BTreeMap<MessageId, Content>, StoreUnavailable> {
        let mut texts = BTreeMap::new();
        for item in items {
            let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else {
                continue;
            };
            let header = delivery.claimed_header();
            if header.sender != self.me.account {
                continue;
            }
            let name = self.records.draft(header.message);
            let record = self.device.read(&name).await?;
            let draft = record.and_then(|sealed| self.records.open::<KeptDraft>(&name, &sealed));
            texts.extend(draft.map(|draft| (header.message, draft.content)));
        }
        Ok(texts)
    }

    /// What does not open, or not any more, may have been opened by another tab, which has kept it in the same breath in which
    /// it forgot the key.
    async fn settle_with_records(
        &self,
        items: &[Item],
        landed: &mut [(Cursor, u64, Landed)],
    ) -> Result<(), StoreUnavailable> {
        for (item, (cursor, _, landed)) in items.iter().zip(landed) {
            if landed.delivery.name().is_some() || matches!(landed.delivery, KeptDelivery::Erased(_)) {
                continue;
            }
            let name = self.records.delivery(*cursor);
            let record = self.device.read(&name).await?;
            let kept = record.and_then(|sealed| self.records.open::<KeptDelivery>(&name, &sealed));
            let Some(kept) = kept else { continue };
            if !kept.name().is_some_and(|name| is_named(item, name)) {
                continue;
            }
            if let KeptDelivery::Message(message) = &kept {
                let name = self.records.conversation(message.conversation);
                let record = self.device.read(&name).await?;
                let record = record.and_then(|sealed| self.records.open::<KeptConversation>(&name, &sealed));
                // Without it the message comes again.
                let Some(conversation) = record else { continue };
                landed.members = conversation.members;
            }
            landed.delivery = kept;
        }
        Ok(())
    }

    /// Writes what became of the deliveries, their new conversations, and removes the drafts that have come back.
    async fn keep(&self, landed: &[(Cursor, u64, Landed)]) -> Result<(), StoreUnavailable> {
        let (device, records) = (&*self.device, &self.records);
        let mut changes = Vec::with_capacity(landed.len());
        let mut opened = BTreeSet::new();
        for (cursor, received_at_ms, Landed { delivery, members, of_device, .. }) in landed {
            changes.push(records.put(device, records.delivery(*cursor), delivery));
            for (device, id) in of_device {
                changes.push(Change::Remove { name: records.device_prekey(*device, *id) });
            }
            let KeptDelivery::Message(message) = delivery else { continue };
            let state = self.state();
            let id = message.conversation;
            if !state.conversations.contains_key(&id) && opened.insert(id) {
                let kept = KeptConversation { members: members.clone(), opened_at_ms: *received_at_ms };
                changes.push(records.put(device, records.conversation(id), &kept));
            }
            if message.hash.is_some() && state.aside_of(message.message, message.sender).is_some() {
                changes.push(Change::Remove { name: records.aside(message.message) });
            }
            if message.sender == self.me.account && state.pending.contains_key(&message.message) {
                changes.extend(records.forget_draft(message.message));
            }
        }
        records.write(device, changes).await
    }
}

/// The deliveries of a page that come after the cursor: each place once and none left out.
fn next_in_line(after: Cursor, items: Vec<Item>) -> Result<Vec<Item>, SyncError> {
    let items: Vec<Item> = items.into_iter().filter(|item| item.cursor > after).collect();
    let mut expected = after;
    for item in &items {
        expected = expected.next();
        if item.cursor != expected {
            return Err(SyncError::Gap);
        }
    }
    Ok(items)
}

/// The deliveries of history that come before the cursor, backwards: each place once and none left out.
fn last_in_line(before: Cursor, items: Vec<Item>) -> Result<Vec<Item>, SyncError> {
    let mut expected = before;
    for item in &items {
        if expected.0 != item.cursor.0 + 1 {
            return Err(SyncError::Gap);
        }
        expected = item.cursor;
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(after: u64, cursors: &[u64]) -> Result<Vec<u64>, SyncError> {
        let item = |cursor: &u64| Item {
            cursor: Cursor(*cursor),
            received_at_ms: 0,
            shared: vec![].into(),
            seal: vec![].into(),
            archived: None,
        };
        let items = next_in_line(Cursor(after), cursors.iter().map(item).collect())?;
        Ok(items.iter().map(|item| item.cursor.0).collect())
    }

    #[test]
    fn a_page_goes_on_where_the_device_stopped() {
        assert_eq!(places(0, &[1, 2, 3]), Ok(vec![1, 2, 3]));
        assert_eq!(places(2, &[1, 2, 3]), Ok(vec![3]));
        assert_eq!(places(3, &[1, 2, 3]), Ok(vec![]));
        for broken in [&[2][..], &[1, 3], &[1, 1], &[2, 1]] {
            assert_eq!(places(0, broken), Err(SyncError::Gap), "{broken:?}");
        }
    }
}

//! Page by page through the mailbox, and the device's own copies of it.
//!
//! Each place of the mailbox becomes one record, whatever became of its delivery. So the device's cursor needs no record
//! of its own: it is the end of the run of records without a gap, two tabs that fetch the same page write the same
//! places, and a lost record is fetched again.

use std::collections::BTreeSet;

use crypto::{envelope::Delivery, id::AccountId};
use protocol::{
    Cursor,
    id::{ConversationId, MessageId},
    limits::MAX_PAGE_ITEMS,
    mailbox::{FetchPage, Item},
};

use crate::{
    Device, Interruption, StoreUnavailable,
    device::Change,
    engine::Engine,
    inbox::{Ladder, Landed, SenderKey},
    records::{KeptContact, KeptConversation, KeptDelivery, KeptDraft},
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

impl<D: Device> Engine<D> {
    /// Reads the records into memory.
    pub(crate) async fn load(&self) -> Result<(), StoreUnavailable> {
        let (device, records) = (&*self.device, &self.records);
        let conversations = records.scan::<KeptConversation>(device, &records.conversations()).await?;
        let deliveries = records.scan::<KeptDelivery>(device, &records.deliveries()).await?;
        {
            let mut state = self.state();
            for (id, conversation) in named::<ConversationId, _>(conversations) {
                state.add_conversation(id, conversation);
            }
            for (cursor, delivery) in named::<u64, _>(deliveries) {
                state.take_delivery(Cursor(cursor), delivery);
            }
        }
        self.sweep().await?;
        self.load_what_tabs_share().await?;
        self.state().loaded = true;
        self.changed();
        Ok(())
    }

    /// Removes sealings whose draft is gone: a tab that was still sending wrote them after another had removed all.
    async fn sweep(&self) -> Result<(), StoreUnavailable> {
        let prefix = self.records.all_sealed();
        let sealings = self.device.scan(&prefix).await?;
        let mut changes = Vec::new();
        for (name, _) in sealings {
            let message = name[prefix.len()..].split('/').next().and_then(|id| id.parse::<MessageId>().ok());
            let draft = message.map(|message| self.records.draft(message));
            let wanted = match draft {
                Some(draft) => self.device.read(&draft).await?.is_some(),
                None => false,
            };
            if !wanted {
                changes.push(Change::Remove { name });
            }
        }
        self.records.write(&*self.device, changes).await
    }

    pub(crate) async fn load_once(&self) -> Result<(), StoreUnavailable> {
        let loaded = self.state().loaded;
        if loaded { Ok(()) } else { self.load().await }
    }

    /// Contacts, conversations, drafts, failures and read marks: what another tab of this account may have written.
    /// Returns the drafts that this tab knew and that are gone.
    pub(crate) async fn load_what_tabs_share(&self) -> Result<Vec<MessageId>, StoreUnavailable> {
        let (device, records) = (&*self.device, &self.records);
        let known: Vec<MessageId> = self.state().pending.keys().copied().collect();
        let contacts = records.scan::<KeptContact>(device, &records.contacts()).await?;
        let conversations = records.scan::<KeptConversation>(device, &records.conversations()).await?;
        let drafts = records.scan::<KeptDraft>(device, &records.drafts()).await?;
        let failures = records.scan::<String>(device, &records.all_failed()).await?;
        let marks = records.scan::<Cursor>(device, &records.marks()).await?;

        let mut there = BTreeSet::new();
        let mut returned = Vec::new();
        {
            let mut state = self.state();
            for (account, contact) in named::<AccountId, _>(contacts) {
                state.contacts.insert_if_new(account, &contact);
                state.contacts.set_offered(account, contact.offered);
            }
            for (id, conversation) in named::<ConversationId, _>(conversations) {
                state.add_conversation(id, conversation);
            }
            for (message, draft) in named::<MessageId, _>(drafts) {
                there.insert(message);
                if state.place_of(message).is_some() {
                    // The tab that wrote it died before it saw it come back.
                    returned.extend(records.forget_draft(message));
                } else {
                    state.take_draft(message, draft);
                }
            }
            let failures = named::<MessageId, _>(failures).collect();
            state.take_failures(&there, failures);
            for (id, read_to) in named::<ConversationId, _>(marks) {
                state.mark(id, read_to);
            }
        }
        records.write(device, returned).await?;
        Ok(known.into_iter().filter(|message| !there.contains(message)).collect())
    }

    /// Fetches and takes all pages after the device's cursor.
    pub(crate) async fn sync(&self) -> Result<Synced, SyncError> {
        let _turn = self.syncing.lock().await;
        self.load_once().await?;
        let gone = self.load_what_tabs_share().await?;
        let mut new = 0;
        loop {
            let after = self.state().end();
            let page = self
                .device
                .call(FetchPage { after, limit: MAX_PAGE_ITEMS })
                .await
                .map_err(Interruption::from)?;
            let items = next_in_line(after, page.items)?;
            if items.is_empty() {
                if page.end != after {
                    return Err(SyncError::Gap);
                }
                break;
            }
            new += self.take(items).await?;
            self.changed();
            if self.state().end() >= page.end {
                break;
            }
            self.device.breathe().await;
        }
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

    /// A key that was not accepted may be by now, on another device.
    async fn look_at_changed_keys_again(&self) -> Result<(), Interruption> {
        let changed = self.state().contacts.with_offers();
        if changed.is_empty() {
            return Ok(());
        }
        for bundle in self.fetch_well_named(&changed).await? {
            self.check_bundle(&bundle).await?;
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
                Some(KeptDelivery::Held { sender: _, received_at_ms, shared, seal }) => {
                    items.push(Item { cursor, received_at_ms, shared, seal });
                }
                // Another tab of this device was faster.
                Some(opened @ (KeptDelivery::Message(_) | KeptDelivery::Dropped)) => {
                    new += usize::from(self.state().take_delivery(cursor, opened));
                }
                // A damaged record is fetched again after the next load.
                None => {}
            }
        }
        if !items.is_empty() {
            new += self.take(items).await?;
        }
        Ok(new)
    }

    /// Takes deliveries that follow one another: gets what the ladder needs, lets each climb, keeps all in one
    /// transaction, then shows them. Returns how many new messages there were.
    async fn take(&self, items: Vec<Item>) -> Result<usize, Interruption> {
        self.fetch_what_the_ladder_needs(&items).await?;
        let ladder = Ladder { me: self.me.account, vault: &self.vault };
        let mut landed = Vec::with_capacity(items.len());
        let mut seen_here = BTreeSet::new();
        for item in &items {
            let is_seen = |message| self.state().place_of(message).is_some_and(|place| place != item.cursor);
            landed.push((item.cursor, item.received_at_ms, ladder.climb(item, is_seen, &mut seen_here)));
        }
        if landed.iter().any(|(.., landed)| !landed.is_opened()) {
            // Another account's mailbox looks so. What is kept would stand in the place of what is one's own.
            self.check_whose_session().await?;
        }
        self.keep(&landed).await?;

        let mut new = 0;
        let mut state = self.state();
        for (cursor, received_at_ms, Landed { delivery, members }) in landed {
            if let KeptDelivery::Message(message) = &delivery {
                let kept = KeptConversation { members, opened_at_ms: received_at_ms };
                state.add_conversation(message.conversation, kept);
            }
            new += usize::from(state.take_delivery(cursor, delivery));
        }
        Ok(new)
    }

    /// Writes what became of the deliveries, their new conversations, and removes the drafts that have come back.
    async fn keep(&self, landed: &[(Cursor, u64, Landed)]) -> Result<(), StoreUnavailable> {
        let (device, records) = (&*self.device, &self.records);
        let mut changes = Vec::with_capacity(landed.len());
        let mut opened = BTreeSet::new();
        for (cursor, received_at_ms, Landed { delivery, members }) in landed {
            changes.push(records.put(device, records.delivery(*cursor), delivery));
            let KeptDelivery::Message(message) = delivery else { continue };
            let state = self.state();
            let id = message.conversation;
            if !state.conversations.contains_key(&id) && opened.insert(id) {
                let kept = KeptConversation { members: members.clone(), opened_at_ms: *received_at_ms };
                changes.push(records.put(device, records.conversation(id), &kept));
            }
            if state.pending.contains_key(&message.message) {
                changes.extend(records.forget_draft(message.message));
            }
        }
        records.write(device, changes).await
    }

    /// Pins the senders that are met for the first time, learns the names of the others, and looks for prekeys and
    /// accepted keys that another device added to the vault.
    async fn fetch_what_the_ladder_needs(&self, items: &[Item]) -> Result<(), Interruption> {
        let me = self.me.account;
        let ladder = Ladder { me, vault: &self.vault };
        let mut senders = BTreeSet::new();
        let mut strangers = BTreeSet::new();
        let mut lacks_prekey = false;
        for item in items {
            let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else {
                continue;
            };
            let header = delivery.claimed_header();
            let Some(place) = header.place_of(me) else { continue };
            lacks_prekey |= self.vault.prekey(header.recipients[place].prekey).is_none();
            if matches!(ladder.sender_key(header), SenderKey::NotAccepted) {
                senders.insert(header.sender);
            }
            let state = self.state();
            strangers.extend(header.accounts().filter(|account| !state.contacts.is_known(*account)));
        }
        strangers.remove(&me);
        if lacks_prekey {
            self.vault.refresh(&*self.device, &self.records).await?;
        }
        let asked: Vec<AccountId> = senders.union(&strangers).copied().collect();
        if asked.is_empty() {
            return Ok(());
        }
        for bundle in self.fetch_well_named(&asked).await? {
            if !senders.contains(&bundle.account) {
                continue;
            }
            match self.check_bundle(&bundle).await {
                // A full vault takes no more pins: this sender's messages are held, those of the others are not.
                Ok(_) | Err(Interruption::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
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

/// Records by what their names say; those whose names say nothing are not ours.
fn named<Name: core::str::FromStr, T>(records: Vec<(String, T)>) -> impl Iterator<Item = (Name, T)> {
    records.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)))
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

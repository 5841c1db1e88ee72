//! A server that was set back to a copy of before has lost deliveries that this device has seen, and counts their places
//! anew. What both agree on is certain; what only this device has is kept aside, is shown where it stood, and gives way when
//! it comes through the mailbox again. So nothing is lost, and nothing new is taken for something old. What this account said
//! of deletions and timers is said again.

use crypto::{envelope::Delivery, id::EnvelopeHash};
use protocol::{
    Cursor,
    id::MessageId,
    mailbox::{FetchPage, Item},
};

use crate::{
    Device, Interruption, StoreUnavailable,
    conversation::state::After,
    device::Change,
    engine::Engine,
    pins::Pin,
    records::{Heard, KeptDelivery, KeptDraft, KeptMessage},
    repairs::Repair,
};

impl<D: Device> Engine<D> {
    /// Looks whether the last delivery that this device knows still stands where it stood.
    pub(crate) async fn compare_mailbox(&self) -> Result<(), Interruption> {
        let _turn = self.syncing.lock().await;
        self.load_once().await?;
        let last = self.state().last_name();
        match last {
            Some((cursor, name)) if self.stands_at(cursor, name).await? == Some(false) => {
                self.set_back(cursor).await
            }
            _ => Ok(()),
        }
    }

    /// Finds how far both agree, below this end, and keeps aside what stands after it.
    pub(crate) async fn set_back(&self, end_there: Cursor) -> Result<(), Interruption> {
        let known = self.state().names(..=end_there);
        let (mut agreed, mut differs) = (0, known.len());
        while agreed < differs {
            let middle = agreed + (differs - agreed) / 2;
            // An empty place is no witness: the one before it is asked.
            let mut witness = middle;
            let stands = loop {
                let (cursor, name) = known[witness];
                match self.stands_at(cursor, name).await? {
                    None if witness > agreed => witness -= 1,
                    None => break true,
                    Some(stands) => break stands,
                }
            };
            if stands { agreed = middle + 1 } else { differs = witness }
        }
        let common = match agreed {
            0 => Cursor::START,
            agreed => known[agreed - 1].0,
        };
        let After { places, aside, notes, heard, marks } = self.state().after(common);
        if places.is_empty() {
            // It said otherwise before: nothing was lost.
            return Ok(());
        }
        let (device, records) = (&*self.device, &self.records);
        let mut changes = Vec::with_capacity(places.len());
        self.old_keys_count_until(common).await?;
        for message in &aside {
            changes.push(records.put(device, records.aside(message.message), message));
        }
        changes.push(self.heard_too(heard).await?);
        let notes: Vec<(MessageId, KeptDraft)> =
            notes.into_iter().filter_map(|note| Some((note.message, self.said_again(note)?))).collect();
        for (message, draft) in &notes {
            changes.push(records.put(device, records.draft(*message), draft));
        }
        for conversation in marks {
            changes.push(records.put(device, records.mark(conversation), &common));
        }
        let start = self.state().start().min(common);
        changes.push(records.put(device, records.start(), &start));
        changes.push(Change::Remove { name: records.archived_to() });
        for (cursor, name) in places {
            // Another tab may have kept what stands there now.
            if !self.was_kept_anew(cursor, name).await? {
                changes.push(Change::Remove { name: records.delivery(cursor) });
            }
        }
        records.write(device, changes).await?;
        {
            let mut state = self.state();
            state.set_back(common, aside);
            state.has_queued_again |= !notes.is_empty();
            notes.into_iter().for_each(|(message, draft)| state.take_draft(message, draft));
        }
        self.note_repair(Repair::MailboxSetBack).await?;
        self.changed();
        Ok(())
    }

    /// Whether the record of a place is of another message than the one that this tab knows: another tab has kept it, after the
    /// places were counted anew.
    pub(crate) async fn was_kept_anew(
        &self,
        cursor: Cursor,
        known: Option<EnvelopeHash>,
    ) -> Result<bool, StoreUnavailable> {
        let name = self.records.delivery(cursor);
        let record = self.device.read(&name).await?;
        let kept = record.and_then(|sealed| self.records.open::<KeptDelivery>(&name, &sealed));
        Ok(kept.as_ref().and_then(KeptDelivery::name).is_some_and(|name| Some(name) != known))
    }

    /// The places up to which keys from before a change count are counted anew.
    async fn old_keys_count_until(&self, common: Cursor) -> Result<(), Interruption> {
        for contact in self.vault.contacts() {
            let lowered = |pin: Option<&Pin>| pin?.changed_at_most(common);
            match self.vault.edit_pin(&*self.device, &self.records, contact, lowered).await {
                Ok(()) | Err(Interruption::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// What was heard of device logs, with what was heard before.
    async fn heard_too(&self, mut heard: Vec<Heard>) -> Result<Change, StoreUnavailable> {
        heard.extend(self.heard().await?);
        heard.sort_unstable();
        heard.dedup();
        Ok(self.records.put(&*self.device, self.records.heard(), &heard))
    }

    /// What was heard of device logs by deliveries that a server has lost.
    pub(crate) async fn heard(&self) -> Result<Vec<Heard>, StoreUnavailable> {
        let name = self.records.heard();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)).unwrap_or_default())
    }

    /// What oneself told all devices is told again: what was deleted stays so, and timers stay on. Another device of one's own
    /// that does the same sends the same message.
    fn said_again(&self, note: KeptMessage) -> Option<KeptDraft> {
        let order = self.state().next_order(self.device.now_ms());
        let KeptMessage { conversation, sent_at_ms, content, .. } = note;
        Some(KeptDraft { conversation, order, written_at_ms: sent_at_ms, content: content?, timer_s: 0 })
    }

    /// Whether this envelope stands at this place of the server's mailbox; `None`: the place is empty.
    async fn stands_at(&self, cursor: Cursor, name: EnvelopeHash) -> Result<Option<bool>, Interruption> {
        let after = Cursor(cursor.0.saturating_sub(1));
        let page = self.device.call(FetchPage { after, limit: 1 }).await?;
        let Some(item) = page.items.first().filter(|item| item.cursor == cursor) else {
            return Ok(Some(false));
        };
        Ok((!item.shared.0.is_empty()).then(|| is_named(item, name)))
    }
}

/// Whether this is the delivery of this name.
pub(crate) fn is_named(item: &Item, name: EnvelopeHash) -> bool {
    Delivery::parse(item.shared.as_slice(), item.seal.as_slice())
        .is_ok_and(|delivery| delivery.hash() == name)
}

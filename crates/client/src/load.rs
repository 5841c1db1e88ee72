//! The device's own copies, read into memory: all of them once, and what another tab may have written again and again.

use std::collections::BTreeSet;

use crypto::id::AccountId;
use protocol::{
    Cursor,
    id::{ConversationId, MessageId},
};

use crate::{
    Device, StoreUnavailable,
    device::Change,
    engine::Engine,
    records::{KeptContact, KeptConversation, KeptDelivery, KeptDraft, KeptMessage},
};

impl<D: Device> Engine<D> {
    /// Reads the records into memory.
    pub(crate) async fn load(&self) -> Result<(), StoreUnavailable> {
        let (device, records) = (&*self.device, &self.records);
        let conversations = records.scan::<KeptConversation>(device, &records.conversations()).await?;
        let deliveries = records.scan::<KeptDelivery>(device, &records.deliveries()).await?;
        let heard = self.heard().await?;
        let aside = records.scan::<KeptMessage>(device, &records.all_aside()).await?;
        {
            let mut state = self.state();
            for (id, conversation) in named::<ConversationId, _>(conversations) {
                state.add_conversation(id, conversation);
            }
            for (cursor, delivery) in named::<u64, _>(deliveries) {
                state.take_delivery(Cursor(cursor), delivery);
            }
            state.take_heard(heard);
            for (_, message) in aside {
                state.take_aside(message);
            }
        }
        self.sweep().await?;
        self.load_what_tabs_share().await?;
        self.state().loaded = true;
        self.forget_what_is_over().await?;
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
                state.contacts.set_other_log(account, contact.other_log);
            }
            for (id, conversation) in named::<ConversationId, _>(conversations) {
                state.add_conversation(id, conversation);
            }
            for (message, draft) in named::<MessageId, _>(drafts) {
                there.insert(message);
                if state.stands_by(message, self.me.account) {
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
}

/// Records by what their names say; those whose names say nothing are not ours.
fn named<Name: core::str::FromStr, T>(records: Vec<(String, T)>) -> impl Iterator<Item = (Name, T)> {
    records.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)))
}

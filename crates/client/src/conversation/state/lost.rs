//! What a server that was set back has lost: found by its names, kept aside, and given up when it comes again.

use core::ops::{Bound, RangeBounds};
use std::collections::BTreeMap;

use protocol::{
    Cursor,
    id::{AccountId, ConversationId, EnvelopeHash, MessageId},
};

use super::{Conversation, State, is_shown, wipe};
use crate::records::{Heard, KeptMessage};

/// What stands after a place of the mailbox.
#[derive(Default)]
pub(crate) struct After {
    /// All places, with the names that are known.
    pub(crate) places: Vec<(Cursor, Option<EnvelopeHash>)>,
    /// What can be read, but for the notes.
    pub(crate) aside: Vec<KeptMessage>,
    /// What oneself told all devices: deletions, and the timers that are on.
    pub(crate) notes: Vec<KeptMessage>,
    /// What was heard of device logs.
    pub(crate) heard: Vec<Heard>,
    /// The conversations that were read further.
    pub(crate) marks: Vec<ConversationId>,
}

impl State {
    /// The last place of which the name is known.
    pub(crate) fn last_name(&self) -> Option<(Cursor, EnvelopeHash)> {
        let last = |conversation: &Conversation| {
            conversation.messages.iter().rev().find_map(|(cursor, message)| Some((*cursor, message.hash?)))
        };
        let erased = self.erased.last_key_value().map(|(cursor, hash)| (*cursor, *hash));
        self.conversations.values().filter_map(last).chain(erased).max_by_key(|(cursor, _)| *cursor)
    }

    /// The names of what stands at these places, or stood there and was erased, in their order.
    pub(crate) fn names(&self, places: impl RangeBounds<Cursor> + Clone) -> Vec<(Cursor, EnvelopeHash)> {
        let conversations = self.conversations.values();
        let messages = conversations.flat_map(|conversation| conversation.messages.range(places.clone()));
        let named = messages.filter_map(|(cursor, message)| Some((*cursor, message.hash?)));
        let erased = self.erased.range(places.clone()).map(|(cursor, hash)| (*cursor, *hash));
        let mut names: Vec<_> = named.chain(erased).collect();
        names.sort_unstable_by_key(|(cursor, _)| *cursor);
        names
    }

    /// The last place of which the name is known, so many places before the end at most; without one, the end.
    pub(crate) fn overlap(&self, places: u64) -> Cursor {
        let end = self.end();
        let from = Cursor(end.0.saturating_sub(places)).next();
        let names = if from <= end { self.names(from..=end) } else { Vec::new() };
        names.first().map_or(end, |(cursor, _)| Cursor(cursor.0 - 1))
    }

    /// Forgets which of these places were dealt with, where that says nothing of what stood there: records that another tab
    /// wrote before a server was set back look so.
    pub(crate) fn forget_nameless(&mut self, places: impl Iterator<Item = Cursor>) {
        for place in places {
            let is_dealt_with = self.deliveries.get(&place).is_some_and(Option::is_none);
            let stands = |conversation: &Conversation| conversation.messages.contains_key(&place);
            let is_known = self.erased.contains_key(&place) || self.conversations.values().any(stands);
            if is_dealt_with && !is_known {
                self.deliveries.remove(&place);
            }
        }
    }

    /// What stands after a place.
    pub(crate) fn after(&self, common: Cursor) -> After {
        let after = (Bound::Excluded(common), Bound::Unbounded);
        let names: BTreeMap<Cursor, EnvelopeHash> = self.names(after).into_iter().collect();
        let mut found = After {
            places: self
                .deliveries
                .range(after)
                .map(|(cursor, _)| (*cursor, names.get(cursor).copied()))
                .collect(),
            ..After::default()
        };
        for (id, conversation) in &self.conversations {
            if conversation.read_to > common {
                found.marks.push(*id);
            }
            let timer = conversation.last_timer().map(|(cursor, _)| cursor);
            for (cursor, message) in conversation.messages.range(after) {
                let Some(content) = &message.content else { continue };
                let is_last_timer = timer == Some(*cursor);
                if message.sender == self.me.account && (is_last_timer || !is_shown(content)) {
                    found.notes.push(message.clone());
                } else {
                    found.aside.push(message.clone());
                }
            }
        }
        found.heard =
            self.logs_seen.iter().filter(|(_, cursor)| **cursor > common).map(|(log, _)| *log).collect();
        found
    }

    /// Forgets the places after this one; what can be read of them is kept aside.
    pub(crate) fn set_back(&mut self, common: Cursor, aside: Vec<KeptMessage>) {
        self.deliveries.retain(|cursor, _| *cursor <= common);
        self.seen.retain(|_, cursor| *cursor <= common);
        // What was heard of ends of devices stays heard.
        self.logs_seen.values_mut().for_each(|cursor| *cursor = (*cursor).min(common));
        self.erased.retain(|cursor, _| *cursor <= common);
        for conversation in self.conversations.values_mut() {
            conversation.messages.retain(|cursor, _| *cursor <= common);
            conversation.read_to = conversation.read_to.min(common);
        }
        aside.into_iter().for_each(|message| self.take_aside(message));
        self.begin_at(self.start.min(common));
    }

    /// Notes what was heard of device logs by deliveries that a server has lost.
    pub(crate) fn take_heard(&mut self, heard: Vec<Heard>) {
        self.logs_seen.extend(heard.into_iter().map(|log| (log, Cursor::START)));
    }

    /// Keeps a message that the server has lost, with what it has said and proved.
    pub(crate) fn take_aside(&mut self, message: KeptMessage) {
        self.used.extend(message.used.iter().copied());
        self.take_deletions(&message);
        if self.stands_by(message.message, message.sender) {
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(&message.conversation) {
            conversation.aside.insert(message.message, message);
        }
    }

    /// The copy of a message that is kept aside, by its sender.
    pub(crate) fn aside_of(&self, message: MessageId, sender: AccountId) -> Option<&KeptMessage> {
        let mut copies = self.conversations.values().filter_map(|known| known.aside.get(&message));
        copies.find(|copy| copy.sender == sender)
    }

    /// Where a message stood that is kept aside.
    pub(crate) fn conversation_of_aside(&self, message: MessageId) -> Option<ConversationId> {
        let found = self.conversations.iter().find(|(_, known)| known.aside.contains_key(&message));
        found.map(|(id, _)| *id)
    }

    /// Those that are kept aside and were deleted, or whose time is over.
    pub(crate) fn aside_to_forget(&self, now_ms: u64) -> Vec<MessageId> {
        let aside = self.conversations.values().flat_map(|conversation| conversation.aside.values());
        let over = aside.filter(|message| self.is_over(message, now_ms));
        over.map(|message| message.message).collect()
    }

    /// Forgets a message that was kept aside.
    pub(crate) fn erase_aside(&mut self, message: MessageId) {
        for conversation in self.conversations.values_mut() {
            if let Some(content) = conversation.aside.remove(&message).and_then(|aside| aside.content) {
                wipe(&mut { content });
            }
        }
    }
}

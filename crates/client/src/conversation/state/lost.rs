//! What a server that was set back has lost: found by its names, kept aside, and given up when it comes again.

use core::ops::Bound;

use protocol::{
    Cursor,
    id::{ConversationId, EnvelopeHash, MessageId},
};

use super::{Conversation, State, is_shown, wipe};
use crate::records::KeptMessage;

/// What stands after a place of the mailbox.
#[derive(Default)]
pub(crate) struct After {
    /// All places.
    pub(crate) places: Vec<Cursor>,
    /// What people see, but for the notes.
    pub(crate) shown: Vec<KeptMessage>,
    /// What oneself told all devices: deletions, and the timers that are on.
    pub(crate) notes: Vec<KeptMessage>,
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

    /// The names of what stands up to this place, or stood there and was erased, in their order.
    pub(crate) fn names_until(&self, end: Cursor) -> Vec<(Cursor, EnvelopeHash)> {
        let messages =
            self.conversations.values().flat_map(|conversation| conversation.messages.range(..=end));
        let named = messages.filter_map(|(cursor, message)| Some((*cursor, message.hash?)));
        let erased = self.erased.range(..=end).map(|(cursor, hash)| (*cursor, *hash));
        let mut names: Vec<_> = named.chain(erased).collect();
        names.sort_unstable_by_key(|(cursor, _)| *cursor);
        names
    }

    /// What stands after a place.
    pub(crate) fn after(&self, common: Cursor) -> After {
        let after = (Bound::Excluded(common), Bound::Unbounded);
        let mut found = After {
            places: self.deliveries.range(after).map(|(cursor, _)| *cursor).collect(),
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
                } else if is_shown(content) {
                    found.shown.push(message.clone());
                }
            }
        }
        found
    }

    /// Forgets the places after this one; what people see of them is kept aside.
    pub(crate) fn set_back(&mut self, common: Cursor, aside: Vec<KeptMessage>) {
        self.deliveries.retain(|cursor, _| *cursor <= common);
        self.seen.retain(|_, cursor| *cursor <= common);
        self.logs_seen.retain(|_, cursor| *cursor <= common);
        self.erased.retain(|cursor, _| *cursor <= common);
        for conversation in self.conversations.values_mut() {
            conversation.messages.retain(|cursor, _| *cursor <= common);
            conversation.read_to = conversation.read_to.min(common);
        }
        aside.into_iter().for_each(|message| self.take_aside(message));
        self.begin_at(self.start.min(common));
    }

    /// Keeps a message that the server has lost.
    pub(crate) fn take_aside(&mut self, message: KeptMessage) {
        if self.seen.contains_key(&message.message) {
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(&message.conversation) {
            conversation.aside.insert(message.message, message);
        }
    }

    /// Whether this message is kept aside.
    pub(crate) fn is_aside(&self, message: MessageId) -> bool {
        self.conversations.values().any(|conversation| conversation.aside.contains_key(&message))
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

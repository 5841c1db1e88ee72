//! What goes: messages that were deleted, or whose time is over, and the timers that say so.

use protocol::{
    Cursor,
    content::Content,
    id::{AccountId, ConversationId, MessageId},
};

use super::{Conversation, Pending, State, wipe};
use crate::records::{KeptMessage, Traces};

impl Conversation {
    /// What was said last about its timer, by what a server has lost as well.
    fn timer_s(&self) -> Option<u32> {
        let seconds = |message: &KeptMessage| match message.content {
            Some(Content::Timer { seconds }) => Some((message.received_at_ms, seconds)),
            _ => None,
        };
        let standing = self.messages.values().rev().find_map(seconds);
        let lost = self.aside.values().filter_map(seconds).max();
        lost.max(standing).map(|(_, seconds)| seconds)
    }

    /// What was said last about its timer, as far as the mailbox tells, and where.
    pub(super) fn last_timer(&self) -> Option<(Cursor, u32)> {
        self.messages.iter().rev().find_map(|(cursor, message)| match &message.content {
            Some(Content::Timer { seconds }) => Some((*cursor, *seconds)),
            _ => None,
        })
    }
}

impl State {
    /// Notes that somebody deleted a message.
    pub(crate) fn note_deletion(&mut self, by: AccountId, message: MessageId) {
        self.deleted.entry(message).or_default().insert(by);
    }

    /// Whether a message was deleted by who may: its sender, or oneself here.
    pub(crate) fn is_deleted(&self, message: MessageId, sender: AccountId) -> bool {
        let by = self.deleted.get(&message);
        by.is_some_and(|by| by.contains(&sender) || by.contains(&self.me.account))
    }

    /// Whether this is what a conversation's timer was set by.
    pub(crate) fn is_timer(&self, message: MessageId) -> bool {
        let Some(place) = self.place_of(message) else { return false };
        let mut conversations = self.conversations.values();
        let found = conversations.find_map(|conversation| conversation.messages.get(&place));
        found.is_some_and(|found| !may_be_deleted(found))
    }

    pub(super) fn is_over(&self, message: &KeptMessage, now_ms: u64) -> bool {
        message.gone_at_ms.is_some_and(|gone_at_ms| gone_at_ms <= now_ms)
            || may_be_deleted(message) && self.is_deleted(message.message, message.sender)
    }

    /// The messages that were deleted, or whose time is over: their places, and what stays of them.
    pub(crate) fn to_forget(&self, now_ms: u64) -> Vec<(Cursor, Traces)> {
        let messages = self.conversations.values().flat_map(|conversation| &conversation.messages);
        let over = messages.filter(|(_, message)| self.is_over(message, now_ms));
        over.map(|(cursor, message)| (*cursor, self.traces(*cursor, message))).collect()
    }

    /// When the next message disappears, by this device's clock.
    pub(crate) fn next_disappearance(&self) -> Option<u64> {
        let messages = self.conversations.values().flat_map(|conversation| conversation.messages.values());
        let aside = self.conversations.values().flat_map(|conversation| conversation.aside.values());
        let received = messages.chain(aside).filter_map(|message| message.gone_at_ms);
        received.chain(self.pending.values().filter_map(Pending::gone_at_ms)).min()
    }

    /// Forgets what stands at a place; the place stays.
    pub(crate) fn erase(&mut self, cursor: Cursor) {
        for conversation in self.conversations.values_mut() {
            if let Some(mut message) = conversation.messages.remove(&cursor) {
                self.erased.extend(message.hash.map(|hash| (cursor, hash)));
                if let Some(content) = &mut message.content {
                    wipe(content);
                }
                return;
            }
        }
    }

    /// After how long messages of a conversation disappear, in seconds; 0: they stay. The last word of anybody in it counts.
    pub(crate) fn timer(&self, id: ConversationId) -> u32 {
        let Some(conversation) = self.conversations.get(&id) else { return 0 };
        let waiting = self.pending.values().filter(|pending| pending.draft.conversation == id);
        let written = waiting
            .filter_map(|pending| match &pending.draft.content {
                Content::Timer { seconds } => Some((pending.draft.order, *seconds)),
                _ => None,
            })
            .max();
        let received = || conversation.timer_s();
        written.map(|(_, seconds)| seconds).or_else(received).unwrap_or(0)
    }

    /// Notes what a message deletes.
    pub(super) fn take_deletions(&mut self, message: &KeptMessage) {
        match &message.content {
            Some(Content::Delete { message: target }) => self.note_deletion(message.sender, *target),
            Some(Content::Forget { messages }) if message.sender == self.me.account => {
                messages.iter().for_each(|target| self.note_deletion(message.sender, *target));
            }
            _ => {}
        }
    }
}

/// What a conversation's timer was set to stays: without it, its devices would go by different timers.
pub(crate) fn may_be_deleted(message: &KeptMessage) -> bool {
    !matches!(message.content, Some(Content::Timer { .. }))
}

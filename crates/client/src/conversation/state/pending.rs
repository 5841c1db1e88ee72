//! What waits to be sent, or was sent and has not come back.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Cursor, id::MessageId};

use super::State;
use crate::records::KeptDraft;

/// One's own message that has not come back through the mailbox yet.
pub(crate) struct Pending {
    pub(crate) draft: KeptDraft,
    pub(crate) progress: Progress,
    /// When it was sent, by this device's clock, if that was in this life of the page.
    pub(crate) sent_at_ms: Option<u64>,
    /// Where the relay said that it stands in the own mailbox.
    pub(crate) place: Option<Cursor>,
    /// For which place it was queued again, because it did not come.
    pub(crate) asked_again: Option<Cursor>,
    /// How many devices of others could not take it.
    pub(crate) missed: u32,
}

impl Pending {
    /// When it disappears, by this device's clock, whether it has come back by then or not.
    pub(crate) fn gone_at_ms(&self) -> Option<u64> {
        let timer_ms = u64::from(self.draft.timer_s) * 1_000;
        self.sent_at_ms.filter(|_| timer_ms > 0).map(|sent_at_ms| sent_at_ms.saturating_add(timer_ms))
    }
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    Queued,
    Sent,
    Failed(String),
}

impl State {
    /// The messages that were sent and have not come back, and that were deleted, or whose time is over.
    pub(crate) fn sent_to_forget(&self, now_ms: u64) -> Vec<MessageId> {
        let was_sent =
            |pending: &Pending| pending.progress == Progress::Sent || pending.asked_again.is_some();
        let sent = self.pending.iter().filter(|(_, pending)| was_sent(pending));
        let over = sent.filter(|(message, pending)| {
            pending.gone_at_ms().is_some_and(|gone_at_ms| gone_at_ms <= now_ms)
                || self.is_deleted(**message, self.me.account)
        });
        over.map(|(message, _)| *message).collect()
    }

    /// Takes a draft from the records, unless it has come back through the mailbox already.
    pub(crate) fn take_draft(&mut self, message: MessageId, draft: KeptDraft) {
        if self.stands_by(message, self.me.account) || !self.conversations.contains_key(&draft.conversation) {
            return;
        }
        self.last_order = self.last_order.max(draft.order);
        self.pending.entry(message).or_insert(Pending {
            draft,
            progress: Progress::Queued,
            sent_at_ms: None,
            place: None,
            asked_again: None,
            missed: 0,
        });
    }

    /// Takes what the records say about drafts that failed. One that failed and has no such record any more was queued
    /// again by another tab.
    pub(crate) fn take_failures(
        &mut self,
        drafts: &BTreeSet<MessageId>,
        mut failures: BTreeMap<MessageId, String>,
    ) {
        for (message, pending) in &mut self.pending {
            match (failures.remove(message), &pending.progress) {
                (Some(why), _) => pending.progress = Progress::Failed(why),
                (None, Progress::Failed(_)) if drafts.contains(message) => {
                    pending.progress = Progress::Queued
                }
                (None, _) => {}
            }
        }
    }

    /// The place in the order of writing for a message that is written now.
    pub(crate) fn next_order(&mut self, now_ms: u64) -> u64 {
        self.last_order = now_ms.max(self.last_order + 1);
        self.last_order
    }

    /// The messages that wait, in the order of writing.
    pub(crate) fn pending_in_order(&self) -> Vec<(MessageId, &Pending)> {
        let mut pending: Vec<_> = self.pending.iter().map(|(id, pending)| (*id, pending)).collect();
        pending.sort_by_key(|(id, pending)| (pending.draft.order, *id));
        pending
    }

    /// What was sent and has not come back, with the places that the relay has named.
    pub(crate) fn sent(&self) -> Vec<(MessageId, Cursor)> {
        let sent = self.pending.iter().filter(|(_, pending)| pending.progress == Progress::Sent);
        sent.filter_map(|(message, pending)| Some((*message, pending.place?))).collect()
    }

    /// Queues again what of these a server that was set back has lost: it did not come with all that there is by now. One that
    /// is there all the same gets the same answer once more.
    pub(crate) fn queue_what_was_lost(&mut self, sent: &[(MessageId, Cursor)], now_ms: u64) {
        for (message, place) in sent {
            if self.is_deleted(*message, self.me.account) {
                continue;
            }
            let Some(pending) = self.pending.get_mut(message) else { continue };
            let is_over = pending.gone_at_ms().is_some_and(|gone_at_ms| gone_at_ms <= now_ms);
            let is_sent = pending.progress == Progress::Sent && pending.place == Some(*place);
            if is_sent && !is_over && pending.asked_again != Some(*place) {
                pending.asked_again = Some(*place);
                pending.progress = Progress::Queued;
                self.has_queued_again = true;
            }
        }
    }
}

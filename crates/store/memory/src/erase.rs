use std::collections::HashSet;

use crypto::id::{AccountId, MessageId};
use relay::port::ItemState;

use crate::{State, account::Delivery};

impl State {
    /// Erases messages in one mailbox, or those of one sender in all. How many this account had.
    pub(crate) fn erase(&mut self, account: AccountId, messages: Vec<MessageId>, for_everyone: bool) -> u32 {
        let may_erase = |message: &MessageId| {
            let envelope = self.envelopes.get(message);
            envelope.is_some_and(|envelope| !for_everyone || envelope.sent.sender == account)
        };
        let messages: HashSet<MessageId> = messages.into_iter().filter(may_erase).collect();
        let mut erased = 0;
        for (id, found) in &mut self.accounts {
            for delivery in places_of(&mut found.mailbox, &messages) {
                if *id == account && delivery.erase() {
                    erased += 1;
                } else if for_everyone {
                    delivery.erase();
                }
            }
        }
        self.forget_contents(messages);
        erased
    }

    /// Erases in all mailboxes what was to disappear by now. How many envelopes.
    pub(crate) fn erase_expired(&mut self, now_ms: u64, limit: usize) -> usize {
        let mut expired: Vec<(u64, MessageId)> = self
            .envelopes
            .iter()
            .filter_map(|(message, envelope)| Some((envelope.expires_at_ms?, *message)))
            .filter(|(expires_at_ms, _)| *expires_at_ms <= now_ms)
            .collect();
        expired.sort_unstable();
        expired.truncate(limit);
        let expired: HashSet<MessageId> = expired.into_iter().map(|(_, message)| message).collect();
        for found in self.accounts.values_mut() {
            for delivery in places_of(&mut found.mailbox, &expired) {
                delivery.erase();
            }
        }
        let count = expired.len();
        self.forget_contents(expired);
        count
    }

    /// Of those of these envelopes that nobody has any more.
    pub(crate) fn forget_contents(&mut self, mut messages: HashSet<MessageId>) {
        for delivery in self.accounts.values().flat_map(|account| &account.mailbox) {
            if delivery.state != ItemState::Erased {
                messages.remove(&delivery.message);
            }
        }
        for message in messages {
            if let Some(envelope) = self.envelopes.get_mut(&message) {
                envelope.shared = Vec::new();
                envelope.expires_at_ms = None;
            }
        }
    }
}

fn places_of<'a>(
    mailbox: &'a mut [Delivery],
    messages: &'a HashSet<MessageId>,
) -> impl Iterator<Item = &'a mut Delivery> {
    mailbox.iter_mut().filter(|delivery| messages.contains(&delivery.message))
}

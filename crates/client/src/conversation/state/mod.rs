//! What one device knows about an account's conversations, in memory. It is rebuilt from records, and each of its
//! entrances may be taken twice with the same value.

mod gone;
mod lost;
mod pending;

use std::collections::{BTreeMap, BTreeSet};

use crypto::{device_log::DeviceLog, id::LogHash};
use protocol::{
    Cursor,
    content::Content,
    id::{AccountId, ConversationId, EnvelopeHash, Fingerprint, MessageId, PrekeyId},
    mailbox::ArchivedKey,
};
use zeroize::Zeroize;

use crate::{
    Contact,
    conversation::contacts::Contacts,
    records::{Heard, KeptConversation, KeptDelivery, KeptMessage, Traces},
};

pub(crate) use gone::may_be_deleted;
pub(crate) use lost::After;
pub(crate) use pending::{Pending, Progress};

pub(crate) struct State {
    pub(crate) me: Contact,
    pub(crate) contacts: Contacts,
    pub(crate) conversations: BTreeMap<ConversationId, Conversation>,
    pub(crate) pending: BTreeMap<MessageId, Pending>,
    /// The message that is on its way at this moment.
    pub(crate) sending: Option<MessageId>,
    /// Whether the records were read.
    pub(crate) loaded: bool,
    /// How far the server's clock is ahead of this device's, as of the last page.
    pub(crate) server_ahead_ms: i64,
    /// How far everything counts as read: where the mailbox ended when the account came to this device.
    start: Cursor,
    /// How many deliveries were dropped.
    pub(crate) dropped: usize,
    /// Whether what a server has lost was put into the outbox, since this was last asked.
    pub(crate) has_queued_again: bool,
    /// Whether a place was met that had been erased before this device saw it, since this was last asked.
    has_met_erased: bool,
    /// Every delivery that was dealt with, and those that are held with the account that they claim to come from.
    deliveries: BTreeMap<Cursor, Option<AccountId>>,
    /// The ends of the run of deliveries without a gap, which goes both ways from the start: its last place and its first.
    end: Cursor,
    beginning: Cursor,
    seen: BTreeMap<MessageId, Cursor>,
    /// What was deleted, and who said so.
    deleted: BTreeMap<MessageId, BTreeSet<AccountId>>,
    /// Where accounts first spoke of so much of their device logs, under which identity key.
    logs_seen: BTreeMap<Heard, Cursor>,
    /// The names of what stood where something was erased.
    erased: BTreeMap<Cursor, EnvelopeHash>,
    /// The prekeys that messages have used up.
    used: BTreeSet<(Fingerprint, PrekeyId)>,
    last_order: u64,
}

pub(crate) struct Conversation {
    pub(crate) members: Vec<AccountId>,
    pub(crate) opened_at_ms: u64,
    pub(crate) read_to: Cursor,
    pub(crate) messages: BTreeMap<Cursor, KeptMessage>,
    /// What the server has lost.
    pub(crate) aside: BTreeMap<MessageId, KeptMessage>,
}

impl State {
    pub(crate) fn new(me: Contact) -> Self {
        Self {
            me,
            contacts: Contacts::default(),
            conversations: BTreeMap::new(),
            pending: BTreeMap::new(),
            sending: None,
            loaded: false,
            server_ahead_ms: 0,
            start: Cursor::START,
            dropped: 0,
            has_queued_again: false,
            has_met_erased: false,
            deliveries: BTreeMap::new(),
            end: Cursor::START,
            beginning: Cursor::START.next(),
            seen: BTreeMap::new(),
            deleted: BTreeMap::new(),
            logs_seen: BTreeMap::new(),
            erased: BTreeMap::new(),
            used: BTreeSet::new(),
            last_order: 0,
        }
    }

    /// Says where the mailbox ended when the account came to this device.
    pub(crate) fn begin_at(&mut self, start: Cursor) {
        self.start = start;
        self.end = start;
        self.beginning = start.next();
        self.stretch();
    }

    pub(crate) fn start(&self) -> Cursor {
        self.start
    }

    /// Lets the run grow over what is there.
    fn stretch(&mut self) {
        while self.deliveries.contains_key(&self.end.next()) {
            self.end = self.end.next();
        }
        while self.beginning > Cursor::START.next()
            && self.deliveries.contains_key(&Cursor(self.beginning.0 - 1))
        {
            self.beginning = Cursor(self.beginning.0 - 1);
        }
    }

    /// How far the mailbox was dealt with, without a gap.
    pub(crate) fn end(&self) -> Cursor {
        self.end
    }

    /// Notes that a place had been erased before this device saw it: the key that it came by may still live.
    pub(crate) fn meet_erased(&mut self) {
        self.has_met_erased = true;
    }

    pub(crate) fn take_has_met_erased(&mut self) -> bool {
        core::mem::take(&mut self.has_met_erased)
    }

    /// Whether all that was in the mailbox before this device came is here.
    pub(crate) fn has_whole_history(&self) -> bool {
        self.beginning <= Cursor::START.next()
    }

    /// The first place from which on the mailbox was dealt with, without a gap.
    pub(crate) fn beginning(&self) -> Cursor {
        self.beginning
    }

    /// Whether an account spoke, before this place, as one of its devices.
    pub(crate) fn spoke_as_device(&self, account: AccountId, identity: Fingerprint, before: Cursor) -> bool {
        self.heard(account, identity, 0).any(|(.., cursor)| cursor < before)
    }

    /// Whether an account spoke, before this place, of this device log up to this position. What was heard of another one, which
    /// a server has lost, does not count.
    pub(crate) fn log_was_seen(
        &self,
        account: AccountId,
        log: &DeviceLog,
        position: u32,
        before: Cursor,
    ) -> bool {
        let mut heard = self.heard(account, log.identity().fingerprint(), position);
        heard.any(|(position, head, cursor)| cursor < before && log.head_at(position) == Some(head))
    }

    /// The last position that an account has spoken of in this device log.
    pub(crate) fn last_heard(&self, account: AccountId, log: &DeviceLog) -> u32 {
        let heard = self.heard(account, log.identity().fingerprint(), 0);
        let of_log = heard.filter(|(position, head, _)| log.head_at(*position) == Some(*head));
        of_log.map(|(position, ..)| position).max().unwrap_or(0)
    }

    /// What was heard from this position on: up to where, of which head, and at which place of the mailbox first.
    fn heard(
        &self,
        account: AccountId,
        identity: Fingerprint,
        from: u32,
    ) -> impl Iterator<Item = (u32, LogHash, Cursor)> {
        let (first, last) = (LogHash::from_bytes([0; 32]), LogHash::from_bytes([u8::MAX; 32]));
        let range = (account, identity, from, first)..=(account, identity, u32::MAX, last);
        self.logs_seen.range(range).map(|((_, _, position, head), cursor)| (*position, *head, *cursor))
    }

    /// Whether a message has used this prekey up.
    pub(crate) fn was_used(&self, identity: Fingerprint, prekey: PrekeyId) -> bool {
        self.used.contains(&(identity, prekey))
    }

    /// Whether a message of this id stands here, or did, and nobody else has taken its id.
    pub(crate) fn stands_by(&self, message: MessageId, sender: AccountId) -> bool {
        self.place_of(message).is_some() && self.sender_of(message).is_none_or(|found| found == sender)
    }

    /// Who sent a message that stands here.
    pub(crate) fn sender_of(&self, message: MessageId) -> Option<AccountId> {
        let place = self.place_of(message)?;
        let mut conversations = self.conversations.values();
        conversations.find_map(|conversation| conversation.messages.get(&place)).map(|found| found.sender)
    }

    /// How a message that stands here, or is kept aside, was archived.
    pub(crate) fn archived(&self, message: MessageId) -> Option<&ArchivedKey> {
        let place = self.place_of(message);
        let mut conversations = self.conversations.values();
        let found = conversations.find_map(|conversation| match place {
            Some(place) => conversation.messages.get(&place),
            None => conversation.aside.get(&message),
        });
        found?.archived.as_ref()
    }

    /// Where this message stands in the mailbox, if it has been seen there.
    pub(crate) fn place_of(&self, message: MessageId) -> Option<Cursor> {
        self.seen.get(&message).copied()
    }

    /// The deliveries that wait for a key, with the accounts that they claim to come from.
    pub(crate) fn held(&self) -> Vec<(Cursor, AccountId)> {
        self.deliveries.iter().filter_map(|(cursor, held)| Some((*cursor, (*held)?))).collect()
    }

    /// Puts a conversation into the list, if it is not there.
    pub(crate) fn add_conversation(&mut self, id: ConversationId, kept: KeptConversation) {
        self.conversations.entry(id).or_insert_with(|| Conversation {
            members: kept.members,
            opened_at_ms: kept.opened_at_ms,
            read_to: Cursor::START,
            messages: BTreeMap::new(),
            aside: BTreeMap::new(),
        });
    }

    /// The places of messages that did not open: of each sender so many at most, the newest.
    pub(crate) fn unreadable(&self, most: usize) -> Vec<Cursor> {
        let mut of_senders: BTreeMap<AccountId, Vec<Cursor>> = BTreeMap::new();
        for (cursor, message) in self.conversations.values().flat_map(|conversation| &conversation.messages) {
            if message.hash.is_none() {
                of_senders.entry(message.sender).or_default().push(*cursor);
            }
        }
        let newest = of_senders.into_values().flat_map(|mut places| {
            places.sort_unstable_by_key(|cursor| core::cmp::Reverse(*cursor));
            places.truncate(most);
            places
        });
        newest.collect()
    }

    /// Makes room for a message that opens now, in the place of the same one that did not.
    fn give_way(&mut self, cursor: Cursor, opened: &KeptMessage) {
        let Some(conversation) = self.conversations.get_mut(&opened.conversation) else { return };
        let is_it = |standing: &KeptMessage| standing.hash.is_none() && standing.message == opened.message;
        if opened.hash.is_some() && conversation.messages.get(&cursor).is_some_and(is_it) {
            conversation.messages.remove(&cursor);
            self.seen.remove(&opened.message);
            self.deliveries.remove(&cursor);
        }
    }

    /// Takes what became of a delivery. A held one may become something else later, and a message that did not open may open;
    /// all else is for ever. True if it is a message that was not there before.
    pub(crate) fn take_delivery(&mut self, cursor: Cursor, delivery: KeptDelivery) -> bool {
        if let KeptDelivery::Message(opened) = &delivery {
            self.give_way(cursor, opened);
        }
        if self.deliveries.get(&cursor).is_some_and(Option::is_none) {
            return false;
        }
        if let KeptDelivery::Message(message) = &delivery
            && !self.conversations.contains_key(&message.conversation)
        {
            // The record of its conversation is lost: both come again from the relay.
            return false;
        }
        let held = match &delivery {
            KeptDelivery::Held { sender, .. } => Some(*sender),
            KeptDelivery::Message(_)
            | KeptDelivery::Dropped
            | KeptDelivery::Erased(_)
            | KeptDelivery::Elsewhere => None,
        };
        self.deliveries.insert(cursor, held);
        self.stretch();
        match delivery {
            KeptDelivery::Message(message) => self.take_message(cursor, message),
            KeptDelivery::Erased(traces) => {
                self.erased.extend(traces.hash.map(|hash| (cursor, hash)));
                self.take_traces(cursor, &traces);
                false
            }
            KeptDelivery::Held { .. } | KeptDelivery::Elsewhere => false,
            KeptDelivery::Dropped => {
                self.dropped += 1;
                false
            }
        }
    }

    fn take_message(&mut self, cursor: Cursor, message: KeptMessage) -> bool {
        let Some(conversation) = self.conversations.get_mut(&message.conversation) else { return false };
        if self.seen.contains_key(&message.message) {
            return false;
        }
        let traces = Traces::of(&message);
        self.seen.insert(message.message, cursor);
        let sender = message.sender;
        if sender == self.me.account {
            self.pending.remove(&message.message);
        }
        let is_aside = conversation.aside.get(&message.message).is_some_and(|aside| aside.sender == sender);
        if is_aside && message.hash.is_some() {
            conversation.aside.remove(&message.message);
        }
        let is_shown = message.content.as_ref().is_none_or(is_shown);
        let said = message.clone();
        conversation.messages.insert(cursor, message);
        self.take_deletions(&said);
        self.take_traces(cursor, &traces);
        is_shown
    }

    fn take_traces(&mut self, cursor: Cursor, traces: &Traces) {
        if let Some(log) = traces.log {
            let first = self.logs_seen.entry(log).or_insert(cursor);
            *first = (*first).min(cursor);
        }
        self.used.extend(traces.used.iter().copied());
    }

    /// What stays of a message: that it was the first to speak of a device log, and the prekeys that it used.
    fn traces(&self, cursor: Cursor, message: &KeptMessage) -> Traces {
        let traces = Traces::of(message);
        let log = traces.log.filter(|log| self.logs_seen.get(log) == Some(&cursor));
        Traces { log, ..traces }
    }

    /// How far a conversation was read; marks never go back.
    pub(crate) fn mark(&mut self, id: ConversationId, cursor: Cursor) -> bool {
        let Some(conversation) = self.conversations.get_mut(&id) else { return false };
        let further = cursor > conversation.read_to;
        conversation.read_to = conversation.read_to.max(cursor);
        further
    }

    /// The last messages seen in a conversation.
    pub(crate) fn last_hashes(&self, id: ConversationId, count: usize) -> Vec<EnvelopeHash> {
        let conversation = self.conversations.get(&id);
        conversation
            .into_iter()
            .flat_map(|conversation| conversation.messages.values().rev())
            .filter_map(|message| message.hash)
            .take(count)
            .collect()
    }

    /// Those of a conversation whose key or list of devices is not the accepted one.
    pub(crate) fn changed_keys(&self, members: &[AccountId]) -> Vec<Contact> {
        let changed = members.iter().filter(|member| self.contacts.question(**member).is_some());
        changed.map(|member| self.contacts.contact(*member)).collect()
    }
}

impl Drop for State {
    /// What people wrote does not stay in memory after a lock.
    fn drop(&mut self) {
        let received = self.conversations.values_mut().flat_map(|conversation| {
            conversation.messages.values_mut().chain(conversation.aside.values_mut())
        });
        let received = received.filter_map(|message| message.content.as_mut());
        let written = self.pending.values_mut().map(|pending| &mut pending.draft.content);
        received.chain(written).for_each(wipe);
    }
}

fn wipe(content: &mut Content) {
    if let Content::Text { text } = content {
        text.zeroize();
    }
}

/// Whether people see it: not what devices tell each other.
pub(crate) fn is_shown(content: &Content) -> bool {
    !matches!(content, Content::Delete { .. } | Content::Forget { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::KeptDraft;

    const ME: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);

    fn state() -> (State, ConversationId) {
        let mut state = State::new(Contact { account: ME, username: "alice".parse().unwrap() });
        let id = ConversationId::of_set([ME, BOB]);
        state.add_conversation(id, KeptConversation { members: vec![ME, BOB], opened_at_ms: 0 });
        (state, id)
    }

    fn message(id: ConversationId, number: u8) -> KeptDelivery {
        KeptDelivery::Message(KeptMessage {
            conversation: id,
            message: MessageId::from_bytes([number; 16]),
            sender: BOB,
            hash: Some(EnvelopeHash::from_bytes([number; 32])),
            sent_at_ms: 0,
            received_at_ms: u64::from(number),
            content: Some(Content::Text { text: number.to_string() }),
            gone_at_ms: None,
            timer_s: 0,
            log: None,
            used: Vec::new(),
            archived: None,
        })
    }

    fn held() -> KeptDelivery {
        KeptDelivery::Held {
            sender: BOB,
            received_at_ms: 0,
            shared: vec![].into(),
            seal: vec![].into(),
            archived: None,
        }
    }

    fn texts(state: &State, id: ConversationId) -> Vec<String> {
        let messages = state.conversations[&id].messages.values();
        messages.map(|message| message.message.to_bytes()[0].to_string()).collect()
    }

    #[test]
    fn the_cursor_is_the_end_of_the_run_without_a_gap() {
        let (mut state, id) = state();
        state.take_delivery(Cursor(1), message(id, 1));
        state.take_delivery(Cursor(3), message(id, 3));
        assert_eq!(state.end(), Cursor(1));
        state.take_delivery(Cursor(2), KeptDelivery::Dropped);
        assert_eq!(state.end(), Cursor(3));
        assert_eq!(state.last_hashes(id, 1), [EnvelopeHash::from_bytes([3; 32])]);
    }

    #[test]
    fn a_place_is_taken_once_and_only_a_held_one_may_change() {
        let (mut state, id) = state();
        assert!(state.take_delivery(Cursor(1), message(id, 1)));
        assert!(!state.take_delivery(Cursor(1), message(id, 9)));
        assert!(!state.take_delivery(Cursor(2), held()));
        assert_eq!(state.held(), [(Cursor(2), BOB)]);
        assert!(state.take_delivery(Cursor(2), message(id, 2)));
        assert_eq!(state.held(), []);
        assert!(!state.take_delivery(Cursor(3), message(id, 2)));
        assert_eq!(texts(&state, id), ["1", "2"]);
    }

    #[test]
    fn a_message_that_did_not_open_gives_way_to_itself() {
        let (mut state, id) = state();
        let unreadable = |number| match message(id, number) {
            KeptDelivery::Message(message) => {
                KeptDelivery::Message(KeptMessage { hash: None, content: None, ..message })
            }
            other => other,
        };
        assert!(state.take_delivery(Cursor(1), unreadable(1)));
        assert_eq!(state.unreadable(9), [Cursor(1)]);
        assert!(!state.take_delivery(Cursor(1), unreadable(1)));
        assert!(!state.take_delivery(Cursor(1), message(id, 2)), "another one does not take its place");
        assert!(state.take_delivery(Cursor(1), message(id, 1)));
        assert!(!state.take_delivery(Cursor(1), unreadable(1)));
        assert_eq!((state.unreadable(9), texts(&state, id)), (vec![], vec!["1".to_owned()]));
    }

    #[test]
    fn without_its_conversation_a_message_is_fetched_again() {
        let (mut state, _) = state();
        let lost = ConversationId::of_set([ME, AccountId::from_bytes([3; 16])]);
        assert!(!state.take_delivery(Cursor(1), message(lost, 1)));
        assert_eq!(state.end(), Cursor::START);
    }

    #[test]
    fn a_draft_does_not_outlive_its_return_and_the_order_of_writing_counts_up() {
        let (mut state, id) = state();
        let orders = [state.next_order(5), state.next_order(5), state.next_order(3), state.next_order(9)];
        assert_eq!(orders, [5, 6, 7, 9]);
        let draft = |order| KeptDraft {
            conversation: id,
            order,
            written_at_ms: 5,
            content: Content::Text { text: "text".into() },
            timer_s: 0,
        };
        let [first, second] = [1, 2].map(|number| MessageId::from_bytes([number; 16]));
        state.take_draft(second, draft(6));
        state.take_draft(first, draft(7));
        let order: Vec<MessageId> = state.pending_in_order().into_iter().map(|(id, _)| id).collect();
        assert_eq!(order, [second, first]);
        state.take_delivery(Cursor(1), message(id, 1));
        assert_eq!(state.pending_in_order().len(), 2, "somebody else's message of the same id");
        let KeptDelivery::Message(own) = message(id, 2) else { panic!("it is one") };
        state.take_delivery(Cursor(2), KeptDelivery::Message(KeptMessage { sender: ME, ..own }));
        state.take_draft(second, draft(7));
        assert_eq!(state.pending_in_order().len(), 1);
    }

    #[test]
    fn read_marks_never_go_back() {
        let (mut state, id) = state();
        for number in 1..=3 {
            state.take_delivery(Cursor(u64::from(number)), message(id, number));
        }
        assert_eq!(state.summaries()[0].unread, 3);
        assert!(state.mark(id, Cursor(2)));
        assert!(!state.mark(id, Cursor(1)));
        assert_eq!(state.summaries()[0].unread, 1);
        state.begin_at(Cursor(3));
        assert_eq!(state.summaries()[0].unread, 0);
    }
}

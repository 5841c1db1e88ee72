//! From state to views.

use core::ops::Bound;

use protocol::{
    Cursor,
    content::Content,
    id::{AccountId, ConversationId, MessageId},
};

use crate::{
    Body, Contact, ConversationSummary, KeyChange, Message, MessageState, Preview, Selection, Thread,
    conversation::state::{Conversation, Pending, Progress, State, is_shown},
    records::KeptMessage,
};

/// Longest text in the list of conversations, in characters: more does not fit on a line.
const PREVIEW_CHARS: usize = 140;

impl State {
    /// The list of conversations, the one with the newest message first.
    pub(crate) fn summaries(&self) -> Vec<ConversationSummary> {
        // The one with oneself is for what devices tell each other.
        let shown = self.conversations.iter().filter(|(_, conversation)| conversation.members.len() > 1);
        let mut summaries: Vec<ConversationSummary> =
            shown.map(|(id, conversation)| self.summary(*id, conversation)).collect();
        summaries.sort_by_key(|summary| (core::cmp::Reverse(summary.last_at_ms), summary.id));
        summaries
    }

    /// One conversation with its messages.
    pub(crate) fn thread(&self, id: ConversationId) -> Option<Thread> {
        let conversation = self.conversations.get(&id)?;
        let readers = self.others(conversation);
        let standing = conversation.messages.iter().map(|(cursor, message)| (Some(*cursor), message));
        // What does not open as it comes again is shown as it was.
        let is_worse = |message: &KeptMessage| {
            message.hash.is_none() && conversation.aside.contains_key(&message.message)
        };
        let mut received: Vec<_> =
            standing.filter(|(_, message)| is_message(message) && !is_worse(message)).collect();
        // Where they stood, as far as the time says.
        for message in conversation.aside.values().filter(|message| is_message(message)) {
            let later = |(_, other): &(_, &KeptMessage)| other.received_at_ms >= message.received_at_ms;
            let place = received.iter().position(later).unwrap_or(received.len());
            received.insert(place, (None, message));
        }
        let received = received.into_iter().map(|(place, message)| match place {
            Some(place) => self.received(conversation, place, message, &readers),
            None => Message {
                place: None,
                unread: false,
                ..self.received(conversation, Cursor::START, message, &readers)
            },
        });
        let changed_keys = self.changed_keys(&conversation.members);
        let waiting = self.waiting_in(id).into_iter().map(|(message, pending)| Message {
            id: message,
            author: self.me.clone(),
            mine: true,
            body: body(Some(&pending.draft.content)),
            sent_at_ms: pending.draft.written_at_ms,
            place: None,
            state: self.pending_state(message, pending, &changed_keys),
            unread: false,
            readers: readers.clone(),
            disappears_at_ms: pending.gone_at_ms(),
            missed_devices: pending.missed,
        });
        let messages = received.chain(waiting).collect();
        let deleted = conversation.members.iter().filter(|member| self.contacts.is_deleted(**member));
        let deleted = deleted.map(|member| self.contacts.contact(*member)).collect();
        let timer_s = Some(self.timer(id)).filter(|seconds| *seconds > 0);
        Some(Thread { id, others: readers.clone(), messages, changed_keys, deleted, timer_s })
    }

    /// The messages after a place of the mailbox, of all conversations, the oldest first.
    pub(crate) fn messages_after(
        &self,
        after: Cursor,
        selection: Selection,
    ) -> Vec<(ConversationId, Message)> {
        let mut places = self.places(selection, (Bound::Excluded(after), Bound::Unbounded), |messages| {
            messages.map(|(cursor, _)| *cursor).take(selection.limit).collect()
        });
        places.sort_unstable();
        self.at(&places[..places.len().min(selection.limit)])
    }

    /// The messages before a place of the mailbox (all, without one), of all conversations, the newest first.
    pub(crate) fn messages_before(
        &self,
        before: Option<Cursor>,
        selection: Selection,
    ) -> Vec<(ConversationId, Message)> {
        let until = before.map_or(Bound::Unbounded, Bound::Excluded);
        let mut places = self.places(selection, (Bound::Unbounded, until), |messages| {
            messages.rev().map(|(cursor, _)| *cursor).take(selection.limit).collect()
        });
        places.sort_unstable_by(|one, other| other.cmp(one));
        self.at(&places[..places.len().min(selection.limit)])
    }

    /// The message of this id: where it stands, or that it waits.
    pub(crate) fn message(&self, id: MessageId) -> Option<(ConversationId, Message)> {
        let conversation = match self.pending.get(&id) {
            Some(pending) => pending.draft.conversation,
            None => match self.place_of(id) {
                Some(place) => self.conversation_at(place)?,
                None => self.conversation_of_aside(id)?,
            },
        };
        let thread = self.thread(conversation)?;
        Some((conversation, thread.messages.into_iter().find(|message| message.id == id)?))
    }

    /// From each conversation that was asked for the places that `take` takes.
    fn places(
        &self,
        selection: Selection,
        range: (Bound<Cursor>, Bound<Cursor>),
        take: impl Fn(&mut dyn DoubleEndedIterator<Item = (&Cursor, &KeptMessage)>) -> Vec<Cursor>,
    ) -> Vec<(Cursor, ConversationId)> {
        let asked = |id: &ConversationId| selection.conversation.is_none_or(|only| only == *id);
        let conversations = self.conversations.iter().filter(|(id, _)| asked(id));
        conversations
            .flat_map(|(id, conversation)| {
                let mut wanted = conversation
                    .messages
                    .range(range)
                    .filter(|(_, message)| is_message(message) && (selection.mine || !self.is_mine(message)));
                take(&mut wanted).into_iter().map(|cursor| (cursor, *id))
            })
            .collect()
    }

    fn at(&self, places: &[(Cursor, ConversationId)]) -> Vec<(ConversationId, Message)> {
        let message = |(cursor, id): &(Cursor, ConversationId)| {
            let conversation = self.conversations.get(id)?;
            let message = conversation.messages.get(cursor)?;
            Some((*id, self.received(conversation, *cursor, message, &self.others(conversation))))
        };
        places.iter().filter_map(message).collect()
    }

    fn conversation_at(&self, place: Cursor) -> Option<ConversationId> {
        let mut conversations = self.conversations.iter();
        conversations.find(|(_, conversation)| conversation.messages.contains_key(&place)).map(|(id, _)| *id)
    }

    fn received(
        &self,
        conversation: &Conversation,
        place: Cursor,
        message: &KeptMessage,
        readers: &[Contact],
    ) -> Message {
        Message {
            id: message.message,
            author: self.person(message.sender),
            mine: self.is_mine(message),
            body: body(message.content.as_ref()),
            sent_at_ms: message.sent_at_ms,
            place: Some(place),
            state: if self.is_mine(message) { MessageState::Sent } else { MessageState::Received },
            unread: self.is_unread(conversation, place, message),
            readers: readers.to_vec(),
            disappears_at_ms: message.gone_at_ms,
            missed_devices: 0,
        }
    }

    fn summary(&self, id: ConversationId, conversation: &Conversation) -> ConversationSummary {
        let waiting = self.waiting_in(id).pop().map(|(_, pending)| {
            let draft = &pending.draft;
            (true, self.me.clone(), body(Some(&draft.content)), draft.written_at_ms, draft.written_at_ms)
        });
        let last = waiting.or_else(|| {
            let message = conversation.messages.values().rev().find(|message| is_message(message))?;
            let mine = self.is_mine(message);
            let author = self.person(message.sender);
            Some((mine, author, body(message.content.as_ref()), message.sent_at_ms, message.received_at_ms))
        });
        let last_at_ms = last.as_ref().map_or(conversation.opened_at_ms, |(.., came_at_ms)| *came_at_ms);
        let unread = conversation.messages.iter().rev();
        let unread = unread.take_while(|(cursor, _)| **cursor > self.read_to(conversation));
        ConversationSummary {
            id,
            others: self.others(conversation),
            last: last.map(|(mine, author, body, at_ms, _)| Preview {
                mine,
                author,
                body: short(body),
                at_ms,
            }),
            unread: unread.filter(|(_, message)| !self.is_mine(message) && is_message(message)).count(),
            last_at_ms,
            trouble: self.changed_keys(&conversation.members),
        }
    }

    fn pending_state(&self, message: MessageId, pending: &Pending, changed_keys: &[Contact]) -> MessageState {
        if self.sending == Some(message) {
            return MessageState::Sending;
        }
        match &pending.progress {
            Progress::Sent => MessageState::Sent,
            Progress::Failed(why) => MessageState::Failed(why.clone()),
            Progress::Queued if changed_keys.is_empty() => MessageState::Queued,
            Progress::Queued => MessageState::Failed(self.key_changed(changed_keys)),
        }
    }

    /// Why nothing is sent to a conversation in which something has changed.
    fn key_changed(&self, changed: &[Contact]) -> String {
        let names: Vec<&str> = changed.iter().map(|contact| contact.username.as_str()).collect();
        let names = names.join(", ");
        let is_key = |contact: &Contact| self.contacts.question(contact.account) == Some(KeyChange::Key);
        let change = if changed.iter().any(is_key) { KeyChange::Key } else { KeyChange::Devices };
        format!("Not sent: {}. Compare the safety number, then accept {}", change.told(&names), change.what())
    }

    fn waiting_in(&self, id: ConversationId) -> Vec<(MessageId, &Pending)> {
        let is_here =
            |pending: &Pending| pending.draft.conversation == id && is_shown(&pending.draft.content);
        self.pending_in_order().into_iter().filter(|(_, pending)| is_here(pending)).collect()
    }

    fn is_unread(&self, conversation: &Conversation, cursor: Cursor, message: &KeptMessage) -> bool {
        cursor > self.read_to(conversation) && !self.is_mine(message) && is_message(message)
    }

    fn read_to(&self, conversation: &Conversation) -> Cursor {
        conversation.read_to.max(self.start())
    }

    fn is_mine(&self, message: &KeptMessage) -> bool {
        message.sender == self.me.account
    }

    fn others(&self, conversation: &Conversation) -> Vec<Contact> {
        let others = conversation.members.iter().filter(|member| **member != self.me.account);
        let mut others: Vec<Contact> = others.map(|other| self.person(*other)).collect();
        others.sort_by(|one, next| one.username.cmp(&next.username));
        others
    }

    fn person(&self, account: AccountId) -> Contact {
        if account == self.me.account { self.me.clone() } else { self.contacts.contact(account) }
    }
}

/// Whether people see it.
fn is_message(message: &KeptMessage) -> bool {
    message.content.as_ref().is_none_or(is_shown)
}

fn body(content: Option<&Content>) -> Body {
    match content {
        Some(Content::Text { text }) => Body::Text(text.clone()),
        Some(Content::Timer { seconds }) => Body::Timer(Some(*seconds).filter(|seconds| *seconds > 0)),
        // What devices tell each other is not shown.
        Some(Content::Unknown | Content::Delete { .. } | Content::Forget { .. }) => Body::NeedsNewerVersion,
        None => Body::Unreadable,
    }
}

fn short(body: Body) -> Body {
    match body {
        Body::Text(text) => {
            Body::Text(text.lines().next().unwrap_or_default().chars().take(PREVIEW_CHARS).collect())
        }
        other @ (Body::Timer(_) | Body::NeedsNewerVersion | Body::Unreadable) => other,
    }
}

//! Messages are deleted, for oneself or for everyone, or disappear by their conversation's timer.
//!
//! A deletion is a message itself: signed, in its author's outbox until it is sent, and read by every device in the order of
//! the mailbox. Whoever reads it erases what it names, on the device and on the server; so it is done again wherever it was
//! interrupted. What was deleted "for me" is told to one's own devices in the conversation with oneself, which nobody sees.

use std::collections::BTreeSet;

use protocol::{
    Cursor,
    content::Content,
    id::{AccountId, ConversationId, MessageId},
    limits::{MAX_PAGE_ITEMS, MAX_TIMER_S, MIN_TIMER_S},
    mailbox::Erase,
};

use crate::{
    Account, Body, ComposeError, Device, Interruption, StoreUnavailable,
    conversation::state::{State, may_be_deleted},
    device::{Change, DeviceRng},
    engine::Engine,
    inbox::Landed,
    records::{KeptConversation, KeptDelivery, KeptDraft, Traces},
};

/// Why a message was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// There is no such message on this device.
    #[error("This message is not here any more")]
    UnknownMessage,
    /// Only what one has written oneself can be deleted for everyone.
    #[error("Only your own messages can be deleted for everyone")]
    NotYours,
    /// What the timer was set to is read by everyone's devices.
    #[error("What the timer was set to stays in the conversation. Set it anew to change it")]
    Timer,
    /// It could not be kept that it is to be deleted.
    #[error(transparent)]
    Device(#[from] StoreUnavailable),
}

/// Why a timer was not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimerError {
    /// Too short or too long.
    #[error("Messages disappear after {MIN_TIMER_S} seconds at the earliest, and after a year at the latest")]
    OutOfRange,
    /// There is no such conversation on this device: open it first.
    #[error("Choose to whom you want to write first")]
    UnknownConversation,
    /// It could not be kept.
    #[error(transparent)]
    Device(#[from] StoreUnavailable),
}

impl<D: Device> Account<D> {
    /// Deletes messages on all of one's own devices and in one's own mailbox; others keep theirs. They are gone here when
    /// this returns; [`Self::flush`] tells the others.
    ///
    /// # Errors
    /// [`DeleteError::Device`].
    pub async fn delete_for_me(&self, messages: &[MessageId]) -> Result<(), DeleteError> {
        let engine = &self.0;
        engine.load_once().await?;
        if messages.iter().any(|message| engine.state().is_timer(*message)) {
            return Err(DeleteError::Timer);
        }
        for message in messages {
            // What was not sent goes to nobody.
            let is_mine_to_send = engine.state().pending.contains_key(message);
            if is_mine_to_send && !self.withdraw(*message).await? {
                // It was on its way.
                let body = engine.state().message(*message).map(|(_, shown)| shown.body);
                if matches!(body, Some(Body::Timer(_))) {
                    return Err(DeleteError::Timer);
                }
            }
        }
        let conversation = engine.own_conversation().await?;
        for messages in messages.chunks(MAX_PAGE_ITEMS as usize) {
            let content = Content::Forget { messages: messages.to_vec() };
            self.put_note(conversation, content).await?;
        }
        messages.iter().for_each(|message| engine.state().note_deletion(engine.me.account, *message));
        engine.forget_what_is_over().await?;
        engine.changed();
        Ok(())
    }

    /// Takes back a message of one's own, for everyone in its conversation. Who has read it has read it.
    ///
    /// # Errors
    /// [`DeleteError`].
    pub async fn delete_for_everyone(&self, message: MessageId) -> Result<(), DeleteError> {
        let engine = &self.0;
        engine.load_once().await?;
        let found = engine.state().message(message).ok_or(DeleteError::UnknownMessage)?;
        let (conversation, shown) = found;
        if !shown.mine {
            return Err(DeleteError::NotYours);
        }
        if shown.place.is_none() && self.withdraw(message).await? {
            // It was never sent.
            return Ok(());
        }
        if matches!(shown.body, Body::Timer(_)) {
            return Err(DeleteError::Timer);
        }
        self.put_note(conversation, Content::Delete { message }).await?;
        engine.state().note_deletion(engine.me.account, message);
        engine.forget_what_is_over().await?;
        engine.changed();
        Ok(())
    }

    /// Says after how many seconds messages of a conversation disappear from now on; `None`: they stay. Everyone in it sees
    /// that; [`Self::flush`] tells them.
    ///
    /// # Errors
    /// [`TimerError`].
    pub async fn set_timer(
        &self,
        conversation: ConversationId,
        timer_s: Option<u32>,
    ) -> Result<(), TimerError> {
        if timer_s.is_some_and(|seconds| !(MIN_TIMER_S..=MAX_TIMER_S).contains(&seconds)) {
            return Err(TimerError::OutOfRange);
        }
        self.0.load_once().await?;
        if self.0.state().timer(conversation) == timer_s.unwrap_or(0) {
            return Ok(());
        }
        let content = Content::Timer { seconds: timer_s.unwrap_or(0) };
        self.put_note(conversation, content).await.map_err(|error| match error {
            ComposeError::Device(error) => TimerError::Device(error),
            _ => TimerError::UnknownConversation,
        })
    }

    /// When the next message disappears, by this device's clock, in milliseconds since 1970: call [`Self::forget`] then.
    pub fn next_disappearance(&self) -> Option<u64> {
        self.0.state().next_disappearance()
    }

    /// Removes what has disappeared by now from this device.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn forget(&self) -> Result<(), StoreUnavailable> {
        if self.0.forget_what_is_over().await? > 0 {
            self.0.changed();
        }
        Ok(())
    }
}

impl From<ComposeError> for DeleteError {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Device(error) => Self::Device(error),
            _ => Self::UnknownMessage,
        }
    }
}

impl<D: Device> Engine<D> {
    /// The conversation with oneself, which is there before it is used.
    async fn own_conversation(&self) -> Result<ConversationId, StoreUnavailable> {
        let members = vec![self.me.account];
        let id = ConversationId::of_set(members.iter().copied());
        if !self.state().conversations.contains_key(&id) {
            let kept = KeptConversation { members, opened_at_ms: self.device.now_ms() };
            let record = self.records.put(&*self.device, self.records.conversation(id), &kept);
            self.records.write(&*self.device, vec![record]).await?;
            self.state().add_conversation(id, kept);
        }
        Ok(id)
    }

    /// What was taken back in a conversation that nothing can be sent to any more, as somebody deleted their account, goes to
    /// those that are left one by one; the server erases it at once. `false`: it is no deletion, or nobody is left to tell.
    pub(crate) async fn deletes_one_by_one(
        &self,
        note: MessageId,
        draft: &KeptDraft,
    ) -> Result<bool, Interruption> {
        let Content::Delete { message } = draft.content else { return Ok(false) };
        let (others, left) = {
            let state = self.state();
            let members = state.conversations.get(&draft.conversation).map(|known| known.members.clone());
            let mut others = members.unwrap_or_default();
            others.retain(|member| *member != self.me.account);
            let left: Vec<AccountId> =
                others.iter().copied().filter(|other| !state.contacts.is_deleted(*other)).collect();
            (others, left)
        };
        if left.len() == others.len() {
            return Ok(false);
        }
        self.device.call(Erase { messages: vec![message], for_everyone: true }).await?;
        let own = self.own_conversation().await?;
        let (device, records) = (&*self.device, &self.records);
        let mut notes = vec![(own, vec![self.me.account], Content::Forget { messages: vec![message] })];
        for other in left {
            let members = vec![self.me.account, other];
            let pair = ConversationId::of_set(members.iter().copied());
            notes.push((pair, members, Content::Delete { message }));
        }
        let mut changes = records.forget_draft(note).to_vec();
        let mut drafts = Vec::with_capacity(notes.len());
        for (conversation, members, content) in notes {
            let now_ms = device.now_ms();
            let (is_known, order) = {
                let mut state = self.state();
                (state.conversations.contains_key(&conversation), state.next_order(now_ms))
            };
            let kept = KeptConversation { members, opened_at_ms: now_ms };
            if !is_known {
                changes.push(records.put(device, records.conversation(conversation), &kept));
            }
            let draft = KeptDraft { conversation, order, written_at_ms: now_ms, content, timer_s: 0 };
            let id = MessageId::random(&mut DeviceRng(device));
            changes.push(records.put(device, records.draft(id), &draft));
            drafts.push((id, kept, draft));
        }
        records.write(device, changes).await?;
        let mut state = self.state();
        state.pending.remove(&note);
        for (id, kept, draft) in drafts {
            state.add_conversation(draft.conversation, kept);
            state.take_draft(id, draft);
        }
        Ok(true)
    }

    /// Removes from this device what was deleted or has disappeared: from the records first, then from memory. How many
    /// messages there were.
    pub(crate) async fn forget_what_is_over(&self) -> Result<usize, StoreUnavailable> {
        let (over, sent, aside) = {
            let (state, now_ms) = (self.state(), self.device.now_ms());
            (state.to_forget(now_ms), state.sent_to_forget(now_ms), state.aside_to_forget(now_ms))
        };
        if over.is_empty() && sent.is_empty() && aside.is_empty() {
            return Ok(0);
        }
        let erased = self.erased_records(&over).await?;
        let forgotten = sent.iter().flat_map(|message| self.records.forget_draft(*message));
        let forgotten = forgotten
            .chain(aside.iter().map(|message| Change::Remove { name: self.records.aside(*message) }));
        self.records.write(&*self.device, erased.into_iter().chain(forgotten).collect()).await?;
        let mut state = self.state();
        for (cursor, _) in &over {
            state.erase(*cursor);
        }
        for message in &sent {
            state.pending.remove(message);
        }
        for message in &aside {
            state.erase_aside(*message);
        }
        Ok(over.len() + sent.len() + aside.len())
    }

    /// What is kept in the place of these messages. Where another tab has kept another message meanwhile, as a server that was
    /// set back has it there, that one stays.
    async fn erased_records(&self, over: &[(Cursor, Traces)]) -> Result<Vec<Change>, StoreUnavailable> {
        let mut changes = Vec::with_capacity(over.len());
        for (cursor, traces) in over {
            if traces.hash.is_none() || !self.was_kept_anew(*cursor, traces.hash).await? {
                let erased = KeptDelivery::Erased(traces.clone());
                changes.push(self.records.put(&*self.device, self.records.delivery(*cursor), &erased));
            }
        }
        Ok(changes)
    }

    /// Lets those of the deliveries go that were deleted, and what they delete: on the server at once, and for everyone what
    /// oneself has taken back. Returns the places of messages that were here before; their records are written already.
    pub(crate) async fn erase_what_was_deleted(
        &self,
        landed: &mut [(Cursor, u64, Landed)],
    ) -> Result<Vec<Cursor>, Interruption> {
        let mut for_me = Vec::new();
        let mut for_everyone = Vec::new();
        {
            let mut state = self.state();
            let messages = landed.iter().filter_map(|(.., landed)| match &landed.delivery {
                KeptDelivery::Message(message) => Some(message),
                _ => None,
            });
            let timers: BTreeSet<MessageId> =
                messages.filter(|message| !may_be_deleted(message)).map(|message| message.message).collect();
            let is_timer = |state: &State, message| state.is_timer(message) || timers.contains(&message);
            for (.., landed) in landed.iter() {
                let KeptDelivery::Message(message) = &landed.delivery else { continue };
                match &message.content {
                    Some(Content::Delete { message: target }) if is_timer(&state, *target) => {}
                    Some(Content::Delete { message: target }) => {
                        state.note_deletion(message.sender, *target);
                        if message.sender == state.me.account {
                            for_everyone.push(*target);
                        } else if state.sender_of(*target) == Some(message.sender) {
                            for_me.push(*target);
                        }
                    }
                    Some(Content::Forget { messages }) if message.sender == state.me.account => {
                        for target in messages {
                            if !is_timer(&state, *target) {
                                state.note_deletion(message.sender, *target);
                                for_me.push(*target);
                            }
                        }
                    }
                    _ => {}
                }
            }
            for (.., landed) in landed.iter_mut() {
                let KeptDelivery::Message(message) = &landed.delivery else { continue };
                if may_be_deleted(message) && state.is_deleted(message.message, message.sender) {
                    for_me.push(message.message);
                    landed.delivery = KeptDelivery::Erased(Traces::of(message));
                }
            }
        }
        for (messages, for_everyone) in [(for_everyone, true), (for_me, false)] {
            for messages in messages.chunks(MAX_PAGE_ITEMS as usize) {
                self.device.call(Erase { messages: messages.to_vec(), for_everyone }).await?;
            }
        }
        let over = self.state().to_forget(0);
        let changes = self.erased_records(&over).await?;
        self.records.write(&*self.device, changes).await?;
        Ok(over.into_iter().map(|(cursor, _)| cursor).collect())
    }
}

//! The facade: a signed-in, unlocked account on one device.

use std::sync::Arc;

use crypto::{account_key::AccountKey, identity::IdentityPublic, safety_number::SafetyNumber};
use protocol::{
    Cursor, Username,
    account::{Logout, SignedIn},
    content::{Content, TextRefused},
    directory::{ListUsers, Users},
    id::{AccountId, ConversationId, MessageId},
    limits::MAX_RECIPIENTS,
};

use crate::{
    Body, CallError, Contact, ConversationSummary, Device, Interruption, KeyChange, Message, MessageState,
    Selection, StoreUnavailable, SyncError, Synced, Thread,
    conversation::state::Progress,
    device::Change,
    engine::Engine,
    records::{KeptConversation, KeptDraft},
};

/// A signed-in, unlocked account. Clones are the same account.
///
/// What is shown ([`Self::conversations`], [`Self::thread`]) comes from memory, at once; what takes time is `async` and
/// says through [`Self::on_change`] when there is something new to see. Dropping all clones locks the account: keys and
/// texts leave the memory.
///
/// Every `async` method may be dropped half-way and called again, and any number of them may run at the same time, in
/// this tab and in others.
pub struct Account<D>(pub(crate) Arc<Engine<D>>);

impl<D> Clone for Account<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Why a conversation was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenConversationError {
    /// Nobody but oneself was chosen.
    #[error("Choose at least one person besides yourself to write to")]
    Nobody,
    /// More than an envelope has recipients.
    #[error("A conversation has at most {MAX_RECIPIENTS} people: choose fewer")]
    TooMany,
    /// These accounts do not exist.
    #[error("Somebody of those you chose has no account here any more: choose again")]
    UnknownAccounts(Vec<AccountId>),
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

/// Why a message was not taken into the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// It is empty or too long.
    #[error(transparent)]
    Text(#[from] TextRefused),
    /// There is no such conversation on this device: open it first.
    #[error("Choose to whom you want to write first")]
    UnknownConversation,
    /// Another message was written under the name that a program gave it.
    #[error("Another message was sent under this name: choose another one for a new message")]
    NameUsed,
    /// It could not be kept. It would be lost with the page, so it was not taken: keep it in the field.
    #[error(transparent)]
    Device(#[from] StoreUnavailable),
}

/// Why a contact's new key was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptKeyError {
    /// Between the look and the word the server offered yet another key: look again.
    #[error("The key has changed once more: compare the safety number again")]
    ChangedAgain,
    /// There is nothing to accept.
    #[error("There is no new key of this contact to accept")]
    NothingOffered,
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl<D: Device> Account<D> {
    pub(crate) fn new(engine: Engine<D>) -> Self {
        Self(Arc::new(engine))
    }

    /// Oneself.
    pub fn me(&self) -> &Contact {
        &self.0.me
    }

    /// The account key, for whoever keeps a reloaded page unlocked: to be sealed before it is kept.
    pub fn account_key(&self) -> &AccountKey {
        &self.0.account_key
    }

    /// The session, as it was begun or resumed.
    pub fn session(&self) -> &SignedIn {
        &self.0.session
    }

    /// Calls `listener` after each change of what [`Self::conversations`] and [`Self::thread`] show. There is one
    /// listener: the next takes the place of this.
    pub fn on_change(&self, listener: impl Fn() + Send + Sync + 'static) {
        self.0.listen(Arc::new(listener));
    }

    /// Reads the device's own copies into memory: all that was received and written here before, without the network.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn load(&self) -> Result<(), StoreUnavailable> {
        self.0.load().await
    }

    /// Fetches what is new in the mailbox, page by page: verified, opened, kept on the device, shown, each once.
    ///
    /// # Errors
    /// [`SyncError`]. The pages before it are kept; the next call goes on after them.
    pub async fn sync(&self) -> Result<Synced, SyncError> {
        self.0.sync().await
    }

    /// Sends what waits in the outbox, each conversation in the order of writing.
    ///
    /// # Errors
    /// [`Interruption`]. What was not sent stays queued; [`Interruption::passes_by_itself`] says whether to call again
    /// after a while. What the server refused for good is not an error here: it is
    /// [`MessageState::Failed`](crate::MessageState::Failed) in its thread.
    pub async fn flush(&self) -> Result<(), Interruption> {
        self.0.flush().await
    }

    /// All conversations, the one with the newest message first.
    pub fn conversations(&self) -> Vec<ConversationSummary> {
        self.0.state().summaries()
    }

    /// One conversation with its messages.
    pub fn thread(&self, id: ConversationId) -> Option<Thread> {
        self.0.state().thread(id)
    }

    /// The registered users, in the order of their names: those whose names begin with `prefix`, after `after`.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn users(&self, prefix: Option<&str>, after: Option<&Username>) -> Result<Users, Interruption> {
        let request = ListUsers { prefix: prefix.map(str::to_owned), after: after.cloned() };
        Ok(self.0.device.call(request).await?)
    }

    /// The conversation with exactly these people (oneself may be among them): the one that exists, or a new, empty one.
    ///
    /// # Errors
    /// [`OpenConversationError`].
    pub async fn open_conversation(
        &self,
        others: &[AccountId],
    ) -> Result<ConversationId, OpenConversationError> {
        let engine = &self.0;
        engine.load_once().await.map_err(Interruption::from)?;
        let mut members: Vec<AccountId> = others.iter().copied().chain([engine.me.account]).collect();
        members.sort_unstable();
        members.dedup();
        match members.len() {
            0 | 1 => return Err(OpenConversationError::Nobody),
            many if many > MAX_RECIPIENTS => return Err(OpenConversationError::TooMany),
            _ => {}
        }
        let id = ConversationId::of_set(members.iter().copied());
        if engine.state().conversations.contains_key(&id) {
            return Ok(id);
        }
        let strangers: Vec<AccountId> =
            members.iter().copied().filter(|member| *member != engine.me.account).collect();
        let bundles = engine.fetch_bundles(&strangers).await?;
        let unknown = |account: &AccountId| !bundles.iter().any(|bundle| bundle.account == *account);
        let unknown: Vec<AccountId> = strangers.into_iter().filter(unknown).collect();
        if !unknown.is_empty() {
            return Err(OpenConversationError::UnknownAccounts(unknown));
        }
        let kept = KeptConversation { members, opened_at_ms: engine.device.now_ms() };
        let record = engine.records.put(&*engine.device, engine.records.conversation(id), &kept);
        engine.records.write(&*engine.device, vec![record]).await.map_err(Interruption::from)?;
        engine.state().add_conversation(id, kept);
        engine.changed();
        Ok(id)
    }

    /// Takes a message into the outbox. When this returns, it is kept on the device and shown as queued;
    /// [`Self::flush`] sends it.
    ///
    /// # Errors
    /// [`ComposeError`]: it was not taken.
    pub async fn compose(&self, conversation: ConversationId, text: &str) -> Result<MessageId, ComposeError> {
        let content = Content::text(text)?;
        self.0.load_once().await?;
        let message = MessageId::random(&mut crate::device::DeviceRng(&*self.0.device));
        self.put_into_outbox(conversation, message, content).await?;
        Ok(message)
    }

    /// What devices tell each other: it stays, whatever the conversation's timer.
    pub(crate) async fn put_note(
        &self,
        conversation: ConversationId,
        content: Content,
    ) -> Result<(), ComposeError> {
        let message = MessageId::random(&mut crate::device::DeviceRng(&*self.0.device));
        self.put_into_outbox(conversation, message, content).await
    }

    async fn put_into_outbox(
        &self,
        conversation: ConversationId,
        message: MessageId,
        content: Content,
    ) -> Result<(), ComposeError> {
        let engine = &self.0;
        let written_at_ms = engine.device.now_ms();
        let (order, timer_s) = {
            let mut state = engine.state();
            if !state.conversations.contains_key(&conversation) {
                return Err(ComposeError::UnknownConversation);
            }
            let disappears = matches!(content, Content::Text { .. });
            let timer_s = if disappears { state.timer(conversation) } else { 0 };
            (state.next_order(written_at_ms), timer_s)
        };
        let draft = KeptDraft { conversation, order, written_at_ms, content, timer_s };
        let record = engine.records.put(&*engine.device, engine.records.draft(message), &draft);
        engine.records.write(&*engine.device, vec![record]).await?;
        engine.state().take_draft(message, draft);
        engine.changed();
        Ok(())
    }

    /// Takes a message into the outbox that a program calls by a name of its own: the same name is the same message, on every
    /// device of the account and for ever. Whatever has become of it shows in [`Self::message`].
    ///
    /// # Errors
    /// [`ComposeError`]; [`ComposeError::NameUsed`] when something else was written under this name.
    pub async fn compose_once(
        &self,
        conversation: ConversationId,
        text: &str,
        name: &str,
    ) -> Result<MessageId, ComposeError> {
        let content = Content::text(text)?;
        let engine = &self.0;
        engine.load_once().await?;
        let message = engine.account_key.message_id(name.as_bytes());
        let there = engine.state().message(message);
        match there {
            None => self.put_into_outbox(conversation, message, content).await.map(|()| message),
            Some((place, there)) => {
                let Content::Text { text } = content else { return Err(ComposeError::NameUsed) };
                let is_same = place == conversation && there.body == Body::Text(text);
                if is_same { Ok(message) } else { Err(ComposeError::NameUsed) }
            }
        }
    }

    /// The messages after a place of the mailbox, of all conversations, the oldest first.
    pub fn messages_after(&self, after: Cursor, selection: Selection) -> Vec<(ConversationId, Message)> {
        self.0.state().messages_after(after, selection)
    }

    /// The messages before a place of the mailbox, of all conversations, the newest first; without a place, the newest.
    pub fn messages_before(
        &self,
        before: Option<Cursor>,
        selection: Selection,
    ) -> Vec<(ConversationId, Message)> {
        self.0.state().messages_before(before, selection)
    }

    /// One message, wherever it stands.
    pub fn message(&self, id: MessageId) -> Option<(ConversationId, Message)> {
        self.0.state().message(id)
    }

    /// How far this device has read the mailbox, without a gap.
    pub fn mailbox_end(&self) -> Cursor {
        self.0.state().end()
    }

    /// Who has this name. A name once met stands for one account: the directory is asked only about names that nobody was met
    /// under, and may not answer with somebody who was met under another.
    ///
    /// # Errors
    /// [`Interruption::NameOfAnother`], when it does.
    pub async fn find_user(&self, name: &Username) -> Result<Option<Contact>, Interruption> {
        let engine = &self.0;
        if *name == engine.me.username {
            return Ok(Some(engine.me.clone()));
        }
        let met = engine.vault.pinned_as(name).or_else(|| engine.state().contacts.of_name(name));
        if let Some(account) = met {
            let is_deleted = engine.state().contacts.is_deleted(account);
            return Ok((!is_deleted).then(|| Contact { account, username: name.clone() }));
        }
        let page = self.users(Some(name.as_str()), None).await?;
        let Some(found) = page.users.into_iter().find(|user| user.username == *name) else { return Ok(None) };
        let is_somebody_else = found.account == engine.me.account
            || engine.vault.pin(found.account).is_some()
            || engine.state().contacts.is_known(found.account);
        if is_somebody_else {
            return Err(Interruption::NameOfAnother);
        }
        Ok(Some(Contact { account: found.account, username: found.username }))
    }

    /// Queues a failed message again; [`Self::flush`] sends it.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn retry(&self, message: MessageId) -> Result<(), StoreUnavailable> {
        let engine = &self.0;
        let failed = engine.records.failed(message);
        engine.records.write(&*engine.device, vec![Change::Remove { name: failed }]).await?;
        if let Some(pending) = engine.state().pending.get_mut(&message) {
            pending.progress = Progress::Queued;
        }
        engine.changed();
        Ok(())
    }

    /// Takes a message back that its sender does not wait for any longer; `false` if it was sent. Waits for what is on its way
    /// at this moment, so that the answer is the last word.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn withdraw(&self, message: MessageId) -> Result<bool, StoreUnavailable> {
        let engine = &self.0;
        let _turn = engine.flushing.lock().await;
        let is_sent = {
            let state = engine.state();
            // What waits to be sent once more was sent before.
            let waits_again = state.pending.get(&message).is_some_and(|pending| pending.place.is_some());
            waits_again || state.message(message).is_some_and(|(_, shown)| shown.state == MessageState::Sent)
        };
        if !is_sent {
            self.discard(message).await?;
        }
        Ok(!is_sent)
    }

    /// Drops a message that was not sent. One whose answer was lost may have been sent all the same: then it shows up
    /// again as sent.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn discard(&self, message: MessageId) -> Result<(), StoreUnavailable> {
        let engine = &self.0;
        engine.records.write(&*engine.device, engine.records.forget_draft(message).to_vec()).await?;
        engine.state().pending.remove(&message);
        engine.changed();
        Ok(())
    }

    /// Says that the conversation was read to its end, on this device.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: it shows as read until the page is closed.
    pub async fn mark_read(&self, conversation: ConversationId) -> Result<(), StoreUnavailable> {
        let engine = &self.0;
        let read_to: Option<Cursor> = {
            let mut state = engine.state();
            let last = state.conversations.get(&conversation);
            let last = last.and_then(|known| known.messages.keys().next_back().copied());
            last.filter(|last| state.mark(conversation, *last))
        };
        let Some(read_to) = read_to else { return Ok(()) };
        engine.changed();
        let record = engine.records.put(&*engine.device, engine.records.mark(conversation), &read_to);
        engine.records.write(&*engine.device, vec![record]).await
    }

    /// How many deliveries wait, unopened, because they are sealed to keys from before a reset:
    /// [`Self::open_sealed_vault`] opens them.
    pub fn locked_messages(&self) -> usize {
        let state = self.0.state();
        state.held().iter().filter(|(_, waits_for)| *waits_for == state.me.account).count()
    }

    /// Whether fetching has put something into the outbox since this was last asked: what a server has lost is sent again by the
    /// next [`Self::flush`].
    pub fn take_queued_again(&self) -> bool {
        core::mem::take(&mut self.0.state().has_queued_again)
    }

    /// Whose key or list of devices is not the accepted one, by name: what they wrote waits for [`Self::accept_key`], also where no
    /// conversation with them is here yet.
    pub fn in_question(&self) -> Vec<Contact> {
        let state = self.0.state();
        let mut contacts: Vec<Contact> =
            state.contacts.in_question().into_iter().map(|account| state.contacts.contact(account)).collect();
        contacts.sort_by(|one, other| one.username.cmp(&other.username));
        contacts
    }

    /// How many deliveries wait, unopened, until a contact's new key is accepted.
    pub fn held_messages(&self) -> usize {
        let state = self.0.state();
        state.held().iter().filter(|(_, waits_for)| *waits_for != state.me.account).count()
    }

    /// Looks at the keys of everyone in a conversation: whether one has changed, or an account was deleted. What is found
    /// shows in its [`Thread`].
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn look_at_keys(&self, conversation: ConversationId) -> Result<(), Interruption> {
        let members = {
            let state = self.0.state();
            state.conversations.get(&conversation).map(|known| known.members.clone())
        };
        self.0.look_at_keys(&members.unwrap_or_default()).await
    }

    /// What is not as it was accepted with this contact, if anything.
    pub fn key_change(&self, contact: AccountId) -> Option<KeyChange> {
        self.0.state().contacts.question(contact)
    }

    /// Accepts the new key of a contact: the one whose safety number its owner was shown, and no other that a relay may
    /// have put in its place since; or, where only their list of devices has changed, that list. What was held back is opened, and what waits can be sent: call [`Self::flush`].
    ///
    /// # Errors
    /// [`AcceptKeyError`].
    pub async fn accept_key(&self, contact: AccountId, compared: SafetyNumber) -> Result<(), AcceptKeyError> {
        let engine = &self.0;
        if self.key_change(contact).is_none() {
            return Err(AcceptKeyError::NothingOffered);
        }
        // What they wrote under the key of before is read first: after that, it does not count any more.
        match engine.sync().await {
            Ok(_) | Err(SyncError::Gap) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption.into()),
        }
        let bundles = engine.fetch_bundles(&[contact]).await?;
        let bundle = bundles.first().ok_or(AcceptKeyError::NothingOffered)?;
        if self.number_with(contact, &bundle.identity) != compared {
            engine.check_bundle(bundle).await?;
            return Err(AcceptKeyError::ChangedAgain);
        }
        engine.accept_offered(bundle).await?;
        engine.open_held().await?;
        engine.changed();
        Ok(())
    }

    /// Sixty digits to compare with a contact; if a new key of theirs is offered, the digits are the new key's. `None`
    /// until the first message to or from them.
    pub fn safety_number(&self, contact: AccountId) -> Option<SafetyNumber> {
        let engine = &self.0;
        let offered = engine.state().contacts.offered(contact);
        let pinned = || engine.vault.pin(contact)?.current().copied();
        Some(self.number_with(contact, &offered.or_else(pinned)?))
    }

    fn number_with(&self, contact: AccountId, theirs: &IdentityPublic) -> SafetyNumber {
        let engine = &self.0;
        let mine = engine.identity.public();
        SafetyNumber::between((engine.me.account, &mine), (contact, theirs))
    }

    /// Ends the session and removes everything of this account from the device, also what waits to be sent. The device leaves
    /// the account's device log. When the server cannot be reached, the session there ends by itself after a week without
    /// use, and another device of the account tidies up.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: something may be left on the device.
    pub async fn log_out(&self) -> Result<(), StoreUnavailable> {
        let engine = &self.0;
        engine.leave_log().await;
        let ended: Result<_, CallError> = engine.device.call(Logout {}).await;
        // Whatever the server said, the device forgets.
        drop(ended);
        engine.forget_on_device().await
    }
}

//! The outbox: each message is sealed once for all tabs, and sent until there is an answer.
//!
//! The bytes of a sealing are kept before they are sent, by whichever tab comes first; every tab sends those. So a
//! message whose answer was lost is sent again as the same envelope, which the relay takes as the same message.

use std::collections::BTreeSet;

use crypto::{
    envelope::{Author, Draft, Expiry, MAX_PARENTS, Sealed},
    id::MessageId,
};
use protocol::{Binary, Code, Cursor, content::Content, mailbox::Send};

use crate::{
    CallError, Device, Interruption, SyncError,
    conversation::state::Progress,
    device::DeviceRng,
    engine::Engine,
    records::{KeptDraft, KeptSealing},
};

/// How often a message is sealed anew in one go because keys change while it is sent.
const MAX_SEALINGS: u32 = 4;

/// What became of one message.
pub(crate) enum Outcome {
    /// It is on the server's disk since then, by the server's clock, and at this place of the own mailbox; so many devices of
    /// others could not take it.
    Sent { missed: u32, received_at_ms: u64, place: Cursor },
    /// Another tab sent or discarded it.
    Gone,
    /// A key has changed: the conversation waits for the user.
    Blocked,
    /// The keys of its readers change faster than it is sealed: what goes to others does not wait for that.
    Stale,
    /// For good, and why.
    Failed(String),
}

impl<D: Device> Engine<D> {
    /// Sends what is queued, in the order of writing.
    pub(crate) async fn flush(&self) -> Result<(), Interruption> {
        let _turn = self.flushing.lock().await;
        self.load_once().await?;
        self.load_what_tabs_share().await?;
        let mut tried = BTreeSet::new();
        let mut blocked = BTreeSet::new();
        let mut is_stale = false;
        loop {
            let next = self.state().pending_in_order().into_iter().find_map(|(message, pending)| {
                let free = !tried.contains(&message) && !blocked.contains(&pending.draft.conversation);
                let queued = pending.progress == Progress::Queued;
                (free && queued).then(|| (message, pending.draft.clone()))
            });
            let Some((message, draft)) = next else {
                return if is_stale { Err(Interruption::Busy(Code::StaleKeys.into())) } else { Ok(()) };
            };
            tried.insert(message);
            let draft = self.with_timer_of_today(message, draft).await?;
            let outcome = {
                let _shown = ShownAsSending::begin(self, message);
                self.deliver(message, &draft).await?
            };
            match outcome {
                Outcome::Sent { missed, received_at_ms, place } => {
                    let mut state = self.state();
                    let sent_at_ms = received_at_ms.saturating_add_signed(-state.server_ahead_ms);
                    if let Some(pending) = state.pending.get_mut(&message) {
                        pending.missed = missed;
                        pending.sent_at_ms = Some(sent_at_ms);
                        pending.place = Some(place);
                    }
                    drop(state);
                    self.progress(message, Progress::Sent);
                }
                Outcome::Gone => {}
                Outcome::Blocked => {
                    blocked.insert(draft.conversation);
                }
                Outcome::Stale => {
                    blocked.insert(draft.conversation);
                    is_stale = true;
                }
                Outcome::Failed(_) if self.deletes_one_by_one(message, &draft).await? => {}
                Outcome::Failed(why) => {
                    let failed = self.records.put(&*self.device, self.records.failed(message), &why);
                    self.records.write(&*self.device, vec![failed]).await?;
                    self.progress(message, Progress::Failed(why));
                }
            }
            self.changed();
        }
    }

    /// A device that has just come does not know yet what was said about timers: it reads first, then writes.
    async fn with_timer_of_today(
        &self,
        message: MessageId,
        draft: KeptDraft,
    ) -> Result<KeptDraft, Interruption> {
        if self.state().has_whole_history() || draft.timer_s > 0 {
            return Ok(draft);
        }
        match self.sync().await {
            // A mailbox with a gap keeps nobody from writing.
            Ok(_) | Err(SyncError::Gap) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption),
        }
        let (timer_s, still_waits) = {
            let state = self.state();
            (state.timer(draft.conversation), state.pending.contains_key(&message))
        };
        let is_text = matches!(draft.content, Content::Text { .. });
        let has_begun = !self.device.scan(&self.records.sealings(message)).await?.is_empty();
        // Another tab may have sent or discarded it meanwhile.
        let is_kept = self.device.read(&self.records.draft(message)).await?.is_some();
        if timer_s == 0 || !is_text || has_begun || !still_waits || !is_kept {
            return Ok(draft);
        }
        let draft = KeptDraft { timer_s, ..draft };
        let record = self.records.put(&*self.device, self.records.draft(message), &draft);
        self.records.write(&*self.device, vec![record]).await?;
        if let Some(pending) = self.state().pending.get_mut(&message) {
            pending.draft = draft.clone();
        }
        Ok(draft)
    }

    async fn deliver(&self, message: MessageId, draft: &KeptDraft) -> Result<Outcome, Interruption> {
        if self.device.read(&self.records.draft(message)).await?.is_none() {
            return Ok(Outcome::Gone);
        }
        let sealings = self.device.scan(&self.records.sealings(message)).await?.len() as u32;
        let first = sealings.max(1);
        let mut was_introduced = false;
        for attempt in first..first + MAX_SEALINGS {
            let envelope = match self.sealing(message, draft, attempt).await {
                Ok(Ok(envelope)) => envelope,
                Ok(Err(outcome)) => return Ok(outcome),
                // A vault that takes no more pins, a name that is not theirs: what waits for others is sent.
                Err(why @ (Interruption::Refused(_) | Interruption::NameOfAnother)) => {
                    return Ok(Outcome::Failed(format!("Not sent: {why}")));
                }
                Err(interruption) => return Err(interruption),
            };
            let KeptSealing { envelope, archived, missed } = envelope;
            match self.device.call(Send { envelope, archived }).await {
                Ok(sent) => {
                    let (received_at_ms, place) = (sent.received_at_ms, sent.cursor);
                    return Ok(Outcome::Sent { missed, received_at_ms, place });
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::StaleKeys => {}
                // The server does not know this device (any more), or this was sealed before there was one.
                Err(CallError::Refused(refusal))
                    if refusal.code == Code::InvalidEnvelope && !was_introduced =>
                {
                    was_introduced = true;
                    self.introduce_again().await?;
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::MessageConflict => {
                    return self.look_for(message).await;
                }
                Err(error) => match Interruption::from(error) {
                    Interruption::Refused(refusal) => {
                        return Ok(Outcome::Failed(refusal.message.into_owned()));
                    }
                    interruption => return Err(interruption),
                },
            }
        }
        Ok(Outcome::Stale)
    }

    /// The bytes of this sealing: those that are kept, or new ones, kept before they are used.
    async fn sealing(
        &self,
        message: MessageId,
        draft: &KeptDraft,
        attempt: u32,
    ) -> Result<Result<KeptSealing, Outcome>, Interruption> {
        let name = self.records.sealed(message, attempt);
        if let Some(kept) = self.device.read(&name).await? {
            return Ok(self.open_sealing(&name, &kept));
        }
        let readers = match self.readers(draft).await? {
            Ok(readers) => readers,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let this = self.this_device().await?;
        let epoch = match self.epoch().await? {
            Some(epoch) => epoch,
            None => {
                return Ok(Err(Outcome::Failed("Not sent: the vault of this account is full".to_owned())));
            }
        };
        let parents = self.state().last_hashes(draft.conversation, MAX_PARENTS);
        let content = serde_json::to_vec(&draft.content).expect("content is a plain enum");
        let expiry = if draft.timer_s > 0 { Expiry::AfterSeconds(draft.timer_s) } else { Expiry::Never };
        let identity = self.identity.public();
        let author = Author {
            account: self.me.account,
            identity: &identity,
            device: this.id,
            key: &this.key,
            log_head: self.own_log().head(),
        };
        let sealed = Draft {
            conversation: draft.conversation,
            message,
            parents: &parents,
            sent_at_ms: draft.written_at_ms,
            expiry,
            content: &zeroize::Zeroizing::new(content),
        }
        .seal_by_device(author, &readers.prekeys, &readers.absent, &mut DeviceRng(&*self.device));
        let sealing = match sealed {
            Ok(Sealed { envelope, content_key }) => KeptSealing {
                envelope: Binary(envelope.to_bytes()),
                archived: (draft.timer_s == 0)
                    .then(|| self.archived(&epoch, draft.conversation, message, &content_key)),
                missed: readers.missed,
            },
            Err(error) => return Ok(Err(Outcome::Failed(format!("Not sent: {error}")))),
        };
        let record = self.records.seal(&*self.device, &name, &sealing);
        let kept = self.records.put_if_absent(&*self.device, &name, record).await?;
        Ok(self.open_sealing(&name, &kept))
    }

    fn open_sealing(&self, name: &str, kept: &[u8]) -> Result<KeptSealing, Outcome> {
        if let Some(sealing) = self.records.open::<KeptSealing>(name, kept) {
            return Ok(sealing);
        }
        // An earlier version kept nothing but the envelope, in which its sender had a seal.
        let earlier = self.records.open::<Binary>(name, kept);
        earlier.map(|envelope| KeptSealing { envelope, archived: None, missed: 0 }).ok_or_else(damaged)
    }

    /// The relay holds another envelope under this id: another tab's sealing, if it comes through the mailbox.
    async fn look_for(&self, message: MessageId) -> Result<Outcome, Interruption> {
        match self.sync().await {
            Ok(_) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption),
            Err(SyncError::Gap) => return Ok(Outcome::Failed(SyncError::Gap.to_string())),
        }
        let is_known = {
            let state = self.state();
            state.sender_of(message) == Some(self.me.account) || state.is_deleted(message, self.me.account)
        };
        Ok(if is_known {
            Outcome::Gone
        } else {
            Outcome::Failed(
                "Not sent: it was sent before and is gone by now, or the server holds another message in its place. Write it \
                 anew if it is to be sent"
                    .to_owned(),
            )
        })
    }

    fn progress(&self, message: MessageId, progress: Progress) {
        if let Some(pending) = self.state().pending.get_mut(&message) {
            pending.progress = progress;
        }
    }
}

fn damaged() -> Outcome {
    Outcome::Failed("Not sent: this device's copy of it is damaged. Discard it and write it anew".to_owned())
}

/// Shows a message as on its way, for as long as it is, even when the flush is dropped in the middle.
struct ShownAsSending<'a, D: Device>(&'a Engine<D>);

impl<'a, D: Device> ShownAsSending<'a, D> {
    fn begin(engine: &'a Engine<D>, message: MessageId) -> Self {
        engine.state().sending = Some(message);
        engine.changed();
        Self(engine)
    }
}

impl<D: Device> Drop for ShownAsSending<'_, D> {
    fn drop(&mut self) {
        self.0.state().sending = None;
    }
}

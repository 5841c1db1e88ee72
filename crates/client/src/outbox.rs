//! The outbox: each message is sealed once for all tabs, and sent until there is an answer.
//!
//! The bytes of a sealing are kept before they are sent, by whichever tab comes first; every tab sends those. So a
//! message whose answer was lost is sent again as the same envelope, which the relay takes as the same message.

use std::collections::BTreeSet;

use crypto::{
    envelope::{Draft, MAX_PARENTS},
    id::MessageId,
    prekey::Prekey,
};
use protocol::{Binary, Code, mailbox::Send};

use crate::{
    CallError, Device, Interruption, SyncError, conversation::state::Progress, device::DeviceRng,
    engine::Engine, pins::Checked, records::KeptDraft,
};

/// How often a message is sealed anew in one go because keys change while it is sent.
const MAX_SEALINGS: u32 = 4;

/// What became of one message.
enum Outcome {
    Sent,
    /// Another tab sent or discarded it.
    Gone,
    /// A key has changed: the conversation waits for the user.
    Blocked,
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
        loop {
            let next = self.state().pending_in_order().into_iter().find_map(|(message, pending)| {
                let free = !tried.contains(&message) && !blocked.contains(&pending.draft.conversation);
                let queued = pending.progress == Progress::Queued;
                (free && queued).then(|| (message, pending.draft.clone()))
            });
            let Some((message, draft)) = next else { return Ok(()) };
            tried.insert(message);
            let outcome = {
                let _shown = ShownAsSending::begin(self, message);
                self.deliver(message, &draft).await?
            };
            match outcome {
                Outcome::Sent => self.progress(message, Progress::Sent),
                Outcome::Gone => {}
                Outcome::Blocked => {
                    blocked.insert(draft.conversation);
                }
                Outcome::Failed(why) => {
                    let failed = self.records.put(&*self.device, self.records.failed(message), &why);
                    self.records.write(&*self.device, vec![failed]).await?;
                    self.progress(message, Progress::Failed(why));
                }
            }
            self.changed();
        }
    }

    async fn deliver(&self, message: MessageId, draft: &KeptDraft) -> Result<Outcome, Interruption> {
        if self.device.read(&self.records.draft(message)).await?.is_none() {
            return Ok(Outcome::Gone);
        }
        let sealings = self.device.scan(&self.records.sealings(message)).await?.len() as u32;
        let first = sealings.max(1);
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
            match self.device.call(Send { envelope: Binary(envelope) }).await {
                Ok(_) => return Ok(Outcome::Sent),
                Err(CallError::Refused(refusal)) if refusal.code == Code::StaleKeys => {}
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
        Err(Interruption::Busy(Code::StaleKeys.into()))
    }

    /// The bytes of this sealing: those that are kept, or new ones, kept before they are used.
    async fn sealing(
        &self,
        message: MessageId,
        draft: &KeptDraft,
        attempt: u32,
    ) -> Result<Result<Vec<u8>, Outcome>, Interruption> {
        let name = self.records.sealed(message, attempt);
        if let Some(kept) = self.device.read(&name).await? {
            return Ok(self
                .records
                .open::<Binary>(&name, &kept)
                .map(|envelope| envelope.0)
                .ok_or_else(damaged));
        }
        let prekeys = match self.recipients_keys(draft).await? {
            Ok(prekeys) => prekeys,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let parents = self.state().last_hashes(draft.conversation, MAX_PARENTS);
        let content = serde_json::to_vec(&draft.content).expect("content is a plain enum");
        let sealed = Draft {
            conversation: draft.conversation,
            message,
            parents: &parents,
            sent_at_ms: draft.written_at_ms,
            expires_at_ms: None,
            content: &zeroize::Zeroizing::new(content),
        }
        .seal(self.me.account, &self.identity, &prekeys, &mut DeviceRng(&*self.device));
        let envelope = match sealed {
            Ok(envelope) => Binary(envelope.to_bytes()),
            Err(error) => return Ok(Err(Outcome::Failed(error.to_string()))),
        };
        let record = self.records.seal(&*self.device, &name, &envelope);
        let kept = self.records.put_if_absent(&*self.device, &name, record).await?;
        Ok(self.records.open::<Binary>(&name, &kept).map(|envelope| envelope.0).ok_or_else(damaged))
    }

    /// The current prekeys of a conversation's members, held against the pins.
    async fn recipients_keys(&self, draft: &KeptDraft) -> Result<Result<Vec<Prekey>, Outcome>, Interruption> {
        let members = {
            let state = self.state();
            state.conversations.get(&draft.conversation).map(|known| known.members.clone())
        };
        let Some(members) = members else { return Ok(Err(Outcome::Gone)) };
        let bundles = self.fetch_bundles(&members).await?;
        let deleted = {
            let state = self.state();
            let deleted = members.iter().find(|member| state.contacts.is_deleted(**member));
            deleted.map(|member| state.contacts.contact(*member).username)
        };
        if let Some(username) = deleted {
            return Ok(Err(Outcome::Failed(format!(
                "Not sent: {username} deleted their account. Write to the others in a conversation of their own"
            ))));
        }
        if bundles.len() < members.len() {
            return Ok(Err(Outcome::Failed(Code::UnknownRecipient.message().to_owned())));
        }
        let mut prekeys = Vec::with_capacity(bundles.len());
        let mut changed = false;
        for bundle in &bundles {
            match self.check_bundle(bundle).await? {
                Checked::Usable(prekey) => prekeys.push(*prekey),
                Checked::Changed if bundle.account == self.me.account => {
                    return Ok(Err(Outcome::Failed(
                        "Not sent: the server offers a key for your own account that is not yours. \
                         Ask who runs the server"
                            .to_owned(),
                    )));
                }
                // The others are looked at too, so that all changes are shown at once.
                Checked::Changed => changed = true,
                Checked::Unsound => {
                    return Ok(Err(Outcome::Failed(format!(
                        "Not sent: the server offers a key for {} that {0} did not sign. Ask who runs the server",
                        bundle.username
                    ))));
                }
            }
        }
        Ok(if changed { Err(Outcome::Blocked) } else { Ok(prekeys) })
    }

    /// The relay holds another envelope under this id: another tab's sealing, if it comes through the mailbox.
    async fn look_for(&self, message: MessageId) -> Result<Outcome, Interruption> {
        match self.sync().await {
            Ok(_) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption),
            Err(SyncError::Gap) => return Ok(Outcome::Failed(SyncError::Gap.to_string())),
        }
        let found = self.state().place_of(message).is_some();
        Ok(if found {
            Outcome::Gone
        } else {
            Outcome::Failed(
                "Not sent: the server holds another message in its place. Write it anew".to_owned(),
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

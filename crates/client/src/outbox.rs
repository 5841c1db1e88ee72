//! The outbox: each message is sealed once for all tabs, and sent until there is an answer.
//!
//! The bytes of a sealing are kept before they are sent, by whichever tab comes first; every tab sends those. So a
//! message whose answer was lost is sent again as the same envelope, which the relay takes as the same message.

use std::collections::BTreeSet;

use crypto::{
    device_log::LogRefused,
    envelope::{Author, Draft, Expiry, MAX_PARENTS, MAX_SEALS, Sealed},
    id::{AccountId, MessageId},
    identity::IdentityPublic,
    prekey::{Prekey, PrekeyKind},
};
use protocol::{
    Binary, Code, Cursor,
    content::Content,
    directory::KeyBundle,
    mailbox::Send,
    prekey::{ClaimPrekeys, ClaimedPrekey},
};

use crate::{
    CallError, Device, Interruption, SyncError,
    conversation::state::Progress,
    device::DeviceRng,
    engine::Engine,
    pins::Checked,
    records::{KeptDraft, KeptSealing},
};

/// How often a message is sealed anew in one go because keys change while it is sent.
const MAX_SEALINGS: u32 = 4;

/// How often prekeys are claimed that turn out to be used.
const MAX_CLAIMS: u32 = 4;

/// What became of one message.
enum Outcome {
    /// It is on the server's disk since then, by the server's clock, and at this place of the own mailbox; so many devices of
    /// others could not take it.
    Sent { missed: u32, received_at_ms: u64, place: Cursor },
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
        if timer_s == 0 || !is_text || has_begun || !still_waits {
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
                    if refusal.code == Code::InvalidEnvelope && attempt == first =>
                {
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
        Err(Interruption::Busy(Code::StaleKeys.into()))
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

    /// To which prekeys a message is sealed: claimed ones of the accounts, and the signed ones where none is left; or those
    /// of the devices, if it disappears. All held against the pins.
    async fn readers(&self, draft: &KeptDraft) -> Result<Result<Readers, Outcome>, Interruption> {
        let members = {
            let state = self.state();
            state.conversations.get(&draft.conversation).map(|known| known.members.clone())
        };
        let Some(members) = members else { return Ok(Err(Outcome::Gone)) };
        let checked = match self.checked_bundles(&members).await? {
            Ok(checked) => checked,
            Err(outcome) => return Ok(Err(outcome)),
        };
        let is_mine = |bundle: &KeyBundle| bundle.account == self.me.account;
        if checked.iter().any(|(bundle, _)| is_mine(bundle) && self.lacks_log(bundle)) {
            // What is sealed names a head of it: one that the server has.
            self.compare_own_log().await?;
            self.this_device().await?;
        }
        let logs: Vec<(AccountId, IdentityPublic)> = checked
            .iter()
            .filter(|(bundle, _)| !is_mine(bundle) && self.lacks_log(bundle))
            .map(|(bundle, _)| (bundle.account, bundle.identity))
            .collect();
        if !logs.is_empty() {
            let refused = self.refresh_logs(&logs).await?;
            if let Some((bundle, why)) =
                checked.iter().find_map(|(bundle, _)| Some((bundle, *refused.get(&bundle.account)?)))
            {
                let is_a_question = self.state().contacts.shows_another_log(bundle.account);
                return Ok(Err(if is_a_question { Outcome::Blocked } else { forged_log(bundle, why) }));
            }
        }
        if draft.timer_s > 0 {
            self.readers_on_devices(&checked).await
        } else {
            self.readers_by_account(checked).await
        }
    }

    /// Whether the directory speaks of entries of a device log that are not known here, or of others.
    pub(crate) fn lacks_log(&self, bundle: &KeyBundle) -> bool {
        let logs = self.logs();
        let known = logs.get(bundle.account, bundle.identity.fingerprint());
        let pin = self.vault.pin(bundle.account);
        known.is_none_or(|log| {
            log.len() != bundle.log_length
                || log.head() != bundle.log_head
                || pin.is_some_and(|pin| !pin.speaks_of(log))
        })
    }

    async fn readers_by_account(
        &self,
        checked: Vec<(KeyBundle, Prekey)>,
    ) -> Result<Result<Readers, Outcome>, Interruption> {
        let mut readers = Readers::default();
        let mut waiting: Vec<(KeyBundle, Prekey)> =
            checked.into_iter().filter(|(bundle, _)| bundle.account != self.me.account).collect();
        // A server that was set back gives some that were used, and others after them.
        for _ in 0..MAX_CLAIMS {
            let claimed = self.claim(&waiting, false).await?;
            let mut used = Vec::new();
            for (bundle, signed) in waiting {
                let of_account = claimed.iter().find(|claimed| claimed.account == bundle.account);
                let Some(claimed) = of_account else {
                    readers.prekeys.push(signed);
                    continue;
                };
                let one_time = claimed.prekey.verify(bundle.account, &bundle.identity);
                let one_time = one_time.ok().filter(|prekey| prekey.kind() == PrekeyKind::OneTime);
                let Some(one_time) = one_time else { return Ok(Err(unsound(&bundle))) };
                if self.state().was_used(bundle.identity.fingerprint(), one_time.id()) {
                    used.push((bundle, signed));
                } else {
                    readers.prekeys.push(one_time);
                }
            }
            if used.is_empty() {
                return Ok(Ok(readers));
            }
            waiting = used;
        }
        let names: Vec<&str> = waiting.iter().map(|(bundle, _)| bundle.username.as_str()).collect();
        Ok(Err(Outcome::Failed(format!(
            "Not sent: the server gives a key for {} that was used before. Ask who runs the server",
            names.join(", ")
        ))))
    }

    async fn readers_on_devices(
        &self,
        checked: &[(KeyBundle, Prekey)],
    ) -> Result<Result<Readers, Outcome>, Interruption> {
        let this = self.this_device().await?;
        let claimed = self.claim(checked, true).await?;
        let mut on_devices = Vec::with_capacity(checked.len());
        for (bundle, _) in checked {
            let mut devices = self.active_devices(bundle.account, &bundle.identity);
            let is_mine = bundle.account == self.me.account;
            if is_mine {
                devices.remove(&this.id);
            }
            let mut reached = Vec::new();
            for claimed in claimed.iter().filter(|claimed| claimed.account == bundle.account) {
                // One that is revoked, or none of theirs, gets nothing.
                let Some(device) = claimed.device.filter(|device| devices.contains(device)) else { continue };
                let known = {
                    let logs = self.logs();
                    let log = logs.get(bundle.account, bundle.identity.fingerprint());
                    log.and_then(|log| log.device(device)).copied()
                };
                let Some(known) = known else { continue };
                let prekey =
                    claimed.prekey.verify_of_device(bundle.account, &bundle.identity, device, &known.key);
                let Ok(prekey) = prekey else { return Ok(Err(unsound(bundle))) };
                reached.push((known.added_at, prekey));
            }
            let active = devices.len();
            on_devices.push(OnDevices { bundle, is_mine, active, reached });
        }
        let mut reached: Vec<_> = on_devices.iter_mut().map(|member| &mut member.reached).collect();
        share_places(&mut reached, MAX_SEALS);
        let mut readers = Readers::default();
        for OnDevices { bundle, is_mine, active, reached } in on_devices {
            if !is_mine {
                readers.missed += active.saturating_sub(reached.len()) as u32;
                if reached.is_empty() {
                    readers.absent.push((bundle.account, bundle.identity));
                }
            }
            readers.prekeys.extend(reached.into_iter().map(|(_, prekey)| prekey));
        }
        let others = checked.iter().filter(|(bundle, _)| bundle.account != self.me.account).count();
        if readers.absent.len() == others {
            return Ok(Err(Outcome::Failed(
                "Not sent: no device of theirs can take a disappearing message at the moment. Try again once they \
                 were online, or write it anew without a timer"
                    .to_owned(),
            )));
        }
        Ok(Ok(readers))
    }

    async fn claim(
        &self,
        of: &[(KeyBundle, Prekey)],
        of_devices: bool,
    ) -> Result<Vec<ClaimedPrekey>, Interruption> {
        let accounts: Vec<AccountId> = of.iter().map(|(bundle, _)| bundle.account).collect();
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.device.call(ClaimPrekeys { accounts, of_devices }).await?.prekeys)
    }

    /// The keys of a conversation's members, held against the pins.
    async fn checked_bundles(
        &self,
        members: &[AccountId],
    ) -> Result<Result<Vec<(KeyBundle, Prekey)>, Outcome>, Interruption> {
        let bundles = self.fetch_bundles(members).await?;
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
        let mut checked = Vec::with_capacity(bundles.len());
        let mut changed = false;
        for bundle in bundles {
            match self.check_bundle(&bundle).await? {
                Checked::Usable(prekey) => checked.push((bundle, *prekey)),
                Checked::Changed if bundle.account == self.me.account => {
                    return Ok(Err(Outcome::Failed(
                        "Not sent: the server offers a key for your own account that is not yours. \
                         Ask who runs the server"
                            .to_owned(),
                    )));
                }
                // The others are looked at too, so that all changes are shown at once.
                Checked::Changed => changed = true,
                Checked::Unsound => return Ok(Err(unsound(&bundle))),
                Checked::Older => {
                    return Ok(Err(Outcome::Failed(format!(
                        "Not sent: the server offers an older key for {} than before. Ask who runs the server",
                        bundle.username
                    ))));
                }
            }
        }
        Ok(if changed { Err(Outcome::Blocked) } else { Ok(checked) })
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

/// Who gets a message.
#[derive(Default)]
struct Readers {
    prekeys: Vec<Prekey>,
    /// Members that no device of can take it.
    absent: Vec<(AccountId, IdentityPublic)>,
    /// How many devices of others cannot.
    missed: u32,
}

/// The devices of one member that a disappearing message can go to.
struct OnDevices<'a> {
    bundle: &'a KeyBundle,
    is_mine: bool,
    /// How many there are, reached or not.
    active: usize,
    /// Where each was added, and its prekey.
    reached: Vec<(u32, Prekey)>,
}

/// An envelope has places for so many devices. Where there are more, each member gets as many of them as all can have, the newest
/// first: nobody takes the others' places.
fn share_places<T>(members: &mut [&mut Vec<(u32, T)>], places: usize) {
    let needed = |most: usize| members.iter().map(|devices| devices.len().min(most)).sum::<usize>();
    let Some(most) = (1..=places).rev().find(|most| needed(*most) <= places) else { return };
    for devices in members {
        devices.sort_by_key(|(added_at, _)| core::cmp::Reverse(*added_at));
        devices.truncate(most);
    }
}

fn unsound(bundle: &KeyBundle) -> Outcome {
    Outcome::Failed(format!(
        "Not sent: the server offers a key for {} that {0} did not sign. Ask who runs the server",
        bundle.username
    ))
}

fn forged_log(bundle: &KeyBundle, why: LogRefused) -> Outcome {
    Outcome::Failed(format!(
        "Not sent: the server shows a list of {}'s devices that is not theirs ({why}). Ask who runs the server",
        bundle.username
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(devices: &[u32], places: usize) -> Vec<Vec<u32>> {
        let mut members: Vec<Vec<(u32, u32)>> =
            devices.iter().map(|count| (1..=*count).map(|added_at| (added_at, added_at)).collect()).collect();
        share_places(&mut members.iter_mut().collect::<Vec<_>>(), places);
        members.into_iter().map(|devices| devices.into_iter().map(|(_, device)| device).collect()).collect()
    }

    #[test]
    fn a_member_with_very_many_devices_takes_nobodys_place() {
        assert_eq!(shared(&[2, 1, 0], 200), [vec![2, 1], vec![1], vec![]]);
        let members = shared(&[500, 3, 1], 200);
        assert_eq!([members[0].len(), members[1].len(), members[2].len()], [196, 3, 1]);
        assert_eq!(members[0][..2], [500, 499], "the newest");
        let members = shared(&[9; 100], 200);
        assert!(members.iter().all(|devices| devices[..] == [9, 8]));
    }
}

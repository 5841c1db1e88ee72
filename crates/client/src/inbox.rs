//! The ladder that a delivery climbs, in the order of `docs/protocol.md`: parsed, its sender's key accepted, the device that
//! signed known, verified, oneself in the list, not seen before, opened. What falls off says where it lands; nothing here
//! waits for anything.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{
    archive::ArchivePlace,
    envelope::{ContentKey, Delivery, Expiry, Header, Opened, Sender, VerifiedDelivery, Way},
    id::{AccountId, DeviceId, Fingerprint, LogHash, MessageId, PrekeyId},
    identity::IdentityPublic,
    prekey::{PrekeyKind, PrekeySecret},
};
use protocol::{Cursor, content::Content, mailbox::Item};

use crate::{
    conversation::state::State,
    logs::Logs,
    records::{KeptDelivery, KeptMessage, Traces},
    vault::Vault,
};

/// Who climbs: an account with its keys and the keys that it accepts, on one device.
pub(crate) struct Ladder<'a> {
    pub(crate) me: AccountId,
    pub(crate) vault: &'a Vault,
    pub(crate) logs: &'a Logs,
    pub(crate) state: &'a State,
    /// This device, and those that it was before, and their prekeys that live.
    pub(crate) here: &'a Here,
    /// What this device wrote itself and no other has.
    pub(crate) own_texts: &'a BTreeMap<MessageId, Content>,
    pub(crate) clock: Clock,
}

/// The devices that this one is, and was before: what was sealed to one of those still opens.
#[derive(Default)]
pub(crate) struct Here {
    pub(crate) devices: BTreeSet<DeviceId>,
    pub(crate) prekeys: BTreeMap<(DeviceId, PrekeyId), PrekeySecret>,
}

/// What time it is, here and on the server, at the same moment.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) here_ms: u64,
    pub(crate) there_ms: u64,
}

impl Clock {
    /// When a message is to be gone by this device's clock, however wrong that is: what is left of its timer, which never is
    /// more than all of it. `None`: its time is over.
    fn gone_at_ms(self, received_at_ms: u64, timer_s: u32) -> Option<u64> {
        let timer_ms = u64::from(timer_s) * 1_000;
        let left_ms = timer_ms.saturating_sub(self.there_ms.saturating_sub(received_at_ms));
        (left_ms > 0).then(|| self.here_ms.saturating_add(left_ms))
    }
}

/// What the deliveries of a page have brought before the one that climbs.
#[derive(Default)]
pub(crate) struct SeenHere {
    messages: BTreeSet<MessageId>,
    /// Whose logs were spoken of, under which identity keys, up to which positions, and where.
    logs: Vec<(AccountId, Fingerprint, u32, Cursor)>,
}

/// Where a delivery landed.
pub(crate) struct Landed {
    pub(crate) delivery: KeptDelivery,
    /// For a message: who is in its conversation.
    pub(crate) members: Vec<AccountId>,
    /// The content key of a message that is not archived yet.
    pub(crate) to_archive: Option<ContentKey>,
    /// The one-time prekey that it came by, which dies when the message is archived.
    pub(crate) one_time: Option<(Fingerprint, PrekeyId)>,
    /// The prekeys of this device that it came by, which die when the message is kept.
    pub(crate) of_device: Vec<(DeviceId, PrekeyId)>,
}

/// Which key a sender must have signed with.
pub(crate) enum SenderKey {
    Accepted(IdentityPublic),
    /// One that is not among the accepted ones: the delivery waits for the user's word.
    NotAccepted,
    /// One of before, after another was accepted: its owner does not use it any more.
    Outdated,
    /// The delivery claims to be one's own, and is not by one's own key.
    Forged,
}

/// The device that must have signed.
enum Signer {
    Known(Box<Sender>, Option<u32>),
    /// The log that this device knows does not have it.
    Unknown,
    /// It was revoked before.
    Ended,
}

impl Ladder<'_> {
    /// Lets a delivery climb. `seen_here` is what the deliveries before it have brought.
    pub(crate) fn climb(&self, item: &Item, seen_here: &mut SeenHere) -> Landed {
        if item.shared.0.is_empty() {
            return Landed::as_is(KeptDelivery::Erased(Traces::default()));
        }
        let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else {
            return Landed::as_is(KeptDelivery::Dropped);
        };
        let sender = delivery.claimed_header().sender;
        if self.is_locked(delivery.claimed_header()) {
            return Landed::held(self.me, item);
        }
        let identity = match self.sender_key(delivery.claimed_header(), item.cursor) {
            SenderKey::Accepted(key) => key,
            SenderKey::NotAccepted => return Landed::held(sender, item),
            SenderKey::Outdated | SenderKey::Forged => return Landed::as_is(KeptDelivery::Dropped),
        };
        let (signer, position) =
            match self.signer(delivery.claimed_header(), identity, item.cursor, seen_here) {
                Signer::Known(signer, position) => (signer, position),
                Signer::Unknown => return Landed::held(sender, item),
                Signer::Ended => return Landed::as_is(KeptDelivery::Dropped),
            };
        let Ok(verified) = delivery.verify(*signer) else { return Landed::as_is(KeptDelivery::Dropped) };
        let header = verified.header().clone();
        let is_seen = self.state.place_of(header.message).is_some_and(|place| place != item.cursor);
        let for_me = header.place_of(self.me).is_some();
        if !for_me || is_seen || !seen_here.messages.insert(header.message) {
            return Landed::as_is(KeptDelivery::Dropped);
        }
        let log = position.map(|position| (identity.fingerprint(), position, header.log_head));
        if let Some((identity, position, _)) = log {
            seen_here.logs.push((header.sender, identity, position, item.cursor));
        }
        self.opened(item, verified, header, log)
    }

    /// The key that the header names for its sender, if it is accepted.
    pub(crate) fn sender_key(&self, header: &Header, place: Cursor) -> SenderKey {
        let Some(fingerprint) = fingerprint_of(header, header.sender) else { return SenderKey::Forged };
        if header.sender == self.me {
            let mine = self.vault.own_identity(fingerprint);
            return mine.map_or(SenderKey::Forged, SenderKey::Accepted);
        }
        let Some(pin) = self.vault.pin(header.sender) else { return SenderKey::NotAccepted };
        match pin.find(fingerprint) {
            Some(key) if pin.counts_at(key, place) => SenderKey::Accepted(*key),
            // A server that was set back offers it once more: that is the user's to say.
            Some(key) if self.state.contacts.offered(header.sender) == Some(*key) => SenderKey::NotAccepted,
            Some(_) => SenderKey::Outdated,
            None => SenderKey::NotAccepted,
        }
    }

    /// Whether the log that verifies this header is not known, or not as far as the header says.
    pub(crate) fn lacks_log(&self, header: &Header, identity: &IdentityPublic) -> bool {
        let Some(device) = header.device else { return false };
        let log = self.logs.get(header.sender, identity.fingerprint());
        log.is_none_or(|log| log.device(device).is_none() || log.position_of(header.log_head).is_none())
    }

    /// Whether it is sealed to a key that does not live here: then another device may have archived it.
    pub(crate) fn lacks_key(&self, header: &Header, item: &Item) -> bool {
        if let Some(archived) = &item.archived {
            return self.vault.archive_key(archived.epoch).is_none();
        }
        let mut sealed = header.places_of(self.me).filter_map(|(_, recipient)| match recipient.way {
            Way::Sealed(kind @ (PrekeyKind::Signed | PrekeyKind::OneTime), id) => {
                Some((recipient.identity, kind, id))
            }
            Way::Sealed(PrekeyKind::Device, _) | Way::Own | Way::Absent => None,
        });
        sealed.any(|(identity, kind, id)| !self.vault.has_prekey(identity, kind, id))
    }

    fn signer(
        &self,
        header: &Header,
        identity: IdentityPublic,
        cursor: Cursor,
        seen_here: &SeenHere,
    ) -> Signer {
        let (sender, fingerprint) = (header.sender, identity.fingerprint());
        // Whether the account has spoken in this page, before this place, of its log up to a position.
        let spoken_here = |position: u32| {
            let of_it = |(of, by, seen, at): &(AccountId, Fingerprint, u32, Cursor)| {
                (*of, *by) == (sender, fingerprint) && *seen >= position && *at < cursor
            };
            seen_here.logs.iter().any(of_it)
        };
        let Some(device) = header.device else {
            // Who has spoken as a device does not speak without one any more.
            return if self.state.spoke_as_device(sender, fingerprint, cursor) || spoken_here(0) {
                Signer::Ended
            } else {
                Signer::Known(Box::new(Sender::from(&identity)), None)
            };
        };
        if self.logs.has_ended(sender, fingerprint, device) {
            return Signer::Ended;
        }
        let Some(log) = self.logs.get(sender, fingerprint) else { return Signer::Unknown };
        let (Some(known), Some(position)) = (log.device(device), log.position_of(header.log_head)) else {
            return Signer::Unknown;
        };
        if position < known.added_at {
            return Signer::Ended;
        }
        if let Some(revoked_at) = known.revoked_at {
            // It must not have known of its end, nor may the account have spoken of it before.
            let was_spoken_of =
                self.state.log_was_seen(sender, log, revoked_at, cursor) || spoken_here(revoked_at);
            if position >= revoked_at || was_spoken_of {
                return Signer::Ended;
            }
            if !self.state.has_whole_history() {
                return Signer::Unknown;
            }
        }
        Signer::Known(Box::new(Sender { identity, device: Some((device, known.key)) }), Some(position))
    }

    /// Whether it is sealed to keys of this account that are not in the vault: those from before a reset.
    fn is_locked(&self, header: &Header) -> bool {
        let mine = fingerprint_of(header, self.me);
        mine.is_some_and(|fingerprint| self.vault.own_identity(fingerprint).is_none())
    }

    fn opened(
        &self,
        item: &Item,
        verified: VerifiedDelivery,
        header: Header,
        log: Option<(Fingerprint, u32, LogHash)>,
    ) -> Landed {
        let timer_s = match header.expiry {
            Expiry::AfterSeconds(seconds) => seconds,
            Expiry::AtMs(_) | Expiry::Never => 0,
        };
        let gone_at_ms = (timer_s > 0).then(|| self.clock.gone_at_ms(item.received_at_ms, timer_s));
        if gone_at_ms == Some(None) {
            let log = log.map(|(identity, position, head)| (header.sender, identity, position, head));
            let erased = KeptDelivery::Erased(Traces { hash: Some(verified.hash()), log, used: Vec::new() });
            return Landed { of_device: self.own_seals(&header), ..Landed::as_is(erased) };
        }
        let hash = verified.hash();
        let mut landed = Landed::as_is(KeptDelivery::Dropped);
        let content = match self.own_text(&header) {
            Some(content) => Some((hash, Some(content))),
            None if header.disappears()
                && self.own_seals(&header).is_empty()
                && self.state.aside_of(header.message, header.sender).is_none() =>
            {
                return Landed::as_is(KeptDelivery::Elsewhere);
            }
            None => self
                .open(item, verified, &header, &mut landed)
                .map(|opened| (opened.hash(), content_of(&opened))),
        };
        // What was read once stays read: the copy that was kept aside, or what was written here, of the same envelope.
        let content = content.or_else(|| {
            let aside =
                self.state.aside_of(header.message, header.sender).filter(|aside| aside.hash == Some(hash));
            let own = || self.own_texts.get(&header.message).filter(|_| header.sender == self.me).cloned();
            Some((hash, Some(aside.and_then(|aside| aside.content.clone()).or_else(own)?)))
        });
        let disappears_unseen = |content: &Content| !matches!(content, Content::Text { .. }) && timer_s > 0;
        if content.as_ref().and_then(|(_, content)| content.as_ref()).is_some_and(disappears_unseen) {
            // What people are told about a conversation stays.
            landed.delivery = KeptDelivery::Dropped;
            return landed;
        }
        let (hash, content) = content.map_or((None, None), |(hash, content)| (Some(hash), content));
        landed.members = header.accounts().collect();
        landed.delivery = KeptDelivery::Message(KeptMessage {
            conversation: header.conversation,
            message: header.message,
            sender: header.sender,
            hash,
            sent_at_ms: header.sent_at_ms,
            received_at_ms: item.received_at_ms,
            content,
            gone_at_ms: gone_at_ms.flatten().map(|gone_at_ms| {
                // Its timer does not begin anew.
                let aside = self.state.aside_of(header.message, header.sender);
                aside.and_then(|aside| aside.gone_at_ms).map_or(gone_at_ms, |before| before.min(gone_at_ms))
            }),
            timer_s,
            log,
            used: one_time_prekeys(&header).collect(),
            archived: item.archived.clone(),
        });
        landed
    }

    /// What this device wrote itself, of a message whose key nobody archives.
    fn own_text(&self, header: &Header) -> Option<Content> {
        let is_own = header.disappears() && header.sender == self.me;
        is_own.then(|| self.own_texts.get(&header.message).cloned()).flatten()
    }

    /// The prekeys of this device that a disappearing message is sealed to: one, as a rule.
    fn own_seals(&self, header: &Header) -> Vec<(DeviceId, PrekeyId)> {
        let places = header.places_of(self.me).filter_map(|(_, recipient)| match recipient.way {
            Way::Sealed(PrekeyKind::Device, id) => Some((recipient.device?, id)),
            _ => None,
        });
        places.filter(|(device, _)| self.here.devices.contains(device)).collect()
    }

    fn open(
        &self,
        item: &Item,
        verified: VerifiedDelivery,
        header: &Header,
        landed: &mut Landed,
    ) -> Option<Opened> {
        let place = header.place_of(self.me)?;
        let recipient = header.recipients[place];
        let identity = self.vault.own_identity(recipient.identity)?;
        if let Way::Sealed(PrekeyKind::OneTime, id) = recipient.way {
            landed.one_time = Some((recipient.identity, id));
        }
        // What stands on the server; and what stood there before it was set back, which it gets again.
        let kept = self.state.archived(header.message).filter(|_| item.archived.is_none());
        for archived in item.archived.iter().chain(kept) {
            let place = ArchivePlace {
                account: self.me,
                conversation: header.conversation,
                message: header.message,
                epoch: archived.epoch,
            };
            let epoch = self.vault.archive_key(archived.epoch);
            let content_key = epoch.and_then(|epoch| epoch.open(place, archived.sealed.as_slice()).ok());
            let opened = content_key.and_then(|key| verified.clone().open_with(key).ok());
            if let Some(opened) = opened {
                landed.to_archive = kept.map(|_| opened.content_key().clone());
                return Some(opened);
            }
            // What the server shows as archived is not: the key lives, then, for as long as it is needed.
        }
        landed.of_device = self.own_seals(header);
        if !landed.of_device.is_empty() {
            let prekey = landed.of_device.iter().find_map(|seal| self.here.prekeys.get(seal))?;
            return verified.open(self.me, &identity, prekey).ok();
        }
        let Way::Sealed(kind, id) = recipient.way else { return None };
        // Two devices that made batches at the same moment may have given two keys the same number.
        let prekeys = self.vault.prekeys(recipient.identity, kind, id);
        let opened =
            prekeys.iter().find_map(|prekey| verified.clone().open(self.me, &identity, prekey).ok())?;
        landed.to_archive = Some(opened.content_key().clone());
        Some(opened)
    }
}

impl Landed {
    /// Whether it is a message that opened, or one that was erased.
    pub(crate) fn is_sound(&self) -> bool {
        match &self.delivery {
            KeptDelivery::Message(message) => message.hash.is_some(),
            KeptDelivery::Erased(_) | KeptDelivery::Elsewhere => true,
            KeptDelivery::Held { .. } | KeptDelivery::Dropped => false,
        }
    }

    fn as_is(delivery: KeptDelivery) -> Self {
        Self { delivery, members: Vec::new(), to_archive: None, one_time: None, of_device: Vec::new() }
    }

    fn held(sender: AccountId, item: &Item) -> Self {
        let Item { cursor: _, received_at_ms, shared, seal, archived } = item.clone();
        Self::as_is(KeptDelivery::Held { sender, received_at_ms, shared, seal, archived })
    }
}

/// What stood in the body; `None`: nothing that a client writes.
fn content_of(opened: &Opened) -> Option<Content> {
    serde_json::from_slice::<Content>(opened.content()).ok().map(Content::checked)
}

/// The prekeys of accounts that this message used up.
fn one_time_prekeys(header: &Header) -> impl Iterator<Item = (Fingerprint, PrekeyId)> {
    header.recipients.iter().filter_map(|recipient| match recipient.way {
        Way::Sealed(PrekeyKind::OneTime, id) => Some((recipient.identity, id)),
        _ => None,
    })
}

fn fingerprint_of(header: &Header, account: AccountId) -> Option<Fingerprint> {
    header.place_of(account).map(|place| header.recipients[place].identity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_runs_by_the_servers_clock_and_ends_by_the_devices_however_wrong_it_is() {
        const WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
        let there_ms = 1_790_000_000_000;
        for here_ms in [there_ms, there_ms - WEEK_MS, there_ms + WEEK_MS] {
            let clock = Clock { here_ms, there_ms };
            assert_eq!(clock.gone_at_ms(there_ms - 100_000, 300), Some(here_ms + 200_000));
            assert_eq!(clock.gone_at_ms(there_ms - 300_000, 300), None);
            // A server that claims that a message comes from the future gets no more than its timer.
            assert_eq!(clock.gone_at_ms(there_ms + WEEK_MS, 300), Some(here_ms + 300_000));
        }
    }
}

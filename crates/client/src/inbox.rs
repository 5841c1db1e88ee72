//! The ladder that a delivery climbs, in the order of `docs/protocol.md`: parsed, its sender's key accepted, verified,
//! oneself in the list, not seen before, opened. What falls off says where it lands; nothing here waits for anything.

use std::collections::BTreeSet;

use crypto::{
    envelope::{Delivery, Header, VerifiedDelivery},
    id::{AccountId, Fingerprint, MessageId},
    identity::IdentityPublic,
};
use protocol::{content::Content, mailbox::Item};

use crate::{records::KeptDelivery, records::KeptMessage, vault::Vault};

/// Who climbs: an account with its keys and the keys that it accepts.
pub(crate) struct Ladder<'a> {
    pub(crate) me: AccountId,
    pub(crate) vault: &'a Vault,
}

/// Where a delivery landed.
pub(crate) struct Landed {
    pub(crate) delivery: KeptDelivery,
    /// For a message: who is in its conversation.
    pub(crate) members: Vec<AccountId>,
}

/// Which key a sender must have signed with.
pub(crate) enum SenderKey {
    Accepted(IdentityPublic),
    /// One that is not among the accepted ones: the delivery waits for the user's word.
    NotAccepted,
    /// The delivery claims to be one's own, and is not by one's own key.
    Forged,
}

impl Ladder<'_> {
    /// Lets a delivery climb. `is_seen` tells the messages that are known, `seen_here` those of the deliveries before it.
    pub(crate) fn climb(
        &self,
        item: &Item,
        is_seen: impl Fn(MessageId) -> bool,
        seen_here: &mut BTreeSet<MessageId>,
    ) -> Landed {
        let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else {
            return Landed::dropped();
        };
        let sender = delivery.claimed_header().sender;
        if self.is_locked(delivery.claimed_header()) {
            return Landed::held(self.me, item);
        }
        let key = match self.sender_key(delivery.claimed_header()) {
            SenderKey::Accepted(key) => key,
            SenderKey::NotAccepted => return Landed::held(sender, item),
            SenderKey::Forged => return Landed::dropped(),
        };
        let Ok(verified) = delivery.verify(&key) else { return Landed::dropped() };
        let header = verified.header().clone();
        let for_me = header.place_of(self.me).is_some();
        if !for_me || is_seen(header.message) || !seen_here.insert(header.message) {
            return Landed::dropped();
        }
        let opened = self.open(verified);
        let (hash, content) = opened.map_or((None, None), |(hash, content)| (Some(hash), content));
        Landed {
            delivery: KeptDelivery::Message(KeptMessage {
                conversation: header.conversation,
                message: header.message,
                sender,
                hash,
                sent_at_ms: header.sent_at_ms,
                received_at_ms: item.received_at_ms,
                content,
            }),
            members: header.accounts().collect(),
        }
    }

    /// The key that the header names for its sender, if it is accepted.
    pub(crate) fn sender_key(&self, header: &Header) -> SenderKey {
        let Some(fingerprint) = fingerprint_of(header, header.sender) else { return SenderKey::Forged };
        if header.sender == self.me {
            let mine = self.vault.own_identity(fingerprint);
            return mine.map_or(SenderKey::Forged, SenderKey::Accepted);
        }
        let pin = self.vault.pin(header.sender);
        let accepted = pin.and_then(|pin| pin.find(fingerprint).copied());
        accepted.map_or(SenderKey::NotAccepted, SenderKey::Accepted)
    }

    /// Whether it is sealed to keys of this account that are not in the vault: those from before a reset.
    fn is_locked(&self, header: &Header) -> bool {
        let mine = fingerprint_of(header, self.me);
        mine.is_some_and(|fingerprint| self.vault.own_identity(fingerprint).is_none())
    }

    fn open(&self, verified: VerifiedDelivery) -> Option<(crypto::id::EnvelopeHash, Option<Content>)> {
        let place = verified.header().place_of(self.me)?;
        let recipient = &verified.header().recipients[place];
        let identity = self.vault.own_identity(recipient.identity)?;
        let prekey = self.vault.prekey(recipient.prekey)?;
        let opened = verified.open(self.me, &identity, &prekey).ok()?;
        Some((opened.hash(), serde_json::from_slice(opened.content()).ok()))
    }
}

impl Landed {
    /// Whether it is a message that opened.
    pub(crate) fn is_opened(&self) -> bool {
        matches!(&self.delivery, KeptDelivery::Message(message) if message.hash.is_some())
    }

    fn dropped() -> Self {
        Self { delivery: KeptDelivery::Dropped, members: Vec::new() }
    }

    fn held(sender: AccountId, item: &Item) -> Self {
        let Item { cursor: _, received_at_ms, shared, seal } = item.clone();
        Self { delivery: KeptDelivery::Held { sender, received_at_ms, shared, seal }, members: Vec::new() }
    }
}

fn fingerprint_of(header: &Header, account: AccountId) -> Option<Fingerprint> {
    header.place_of(account).map(|place| header.recipients[place].identity)
}

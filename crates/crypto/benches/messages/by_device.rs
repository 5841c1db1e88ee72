//! What devices write: signed by a device, sealed to a one-time prekey, archived by the sender and by who reads.

use std::hint::black_box;

use crypto::{
    archive::{ArchiveKey, ArchivePlace},
    device::DeviceKey,
    envelope::{Author, Delivery, Draft, Expiry, Header, Sealed, Sender},
    id::{AccountId, ConversationId, DeviceId, EpochId, LogHash, MessageId, PrekeyId},
    identity::IdentityPublic,
    prekey::{Prekey, PrekeySecret, PrekeySeed},
};

use super::CONTENT;
use crate::{people::Person, seeded::Seeded};

pub(crate) const SEAL_ONE_TIME: &str = "seal for one other to a one-time prekey (archived copy)";
pub(crate) const OPEN_ONE_TIME: &str = "open by one-time prekey (and archive)";
pub(crate) const OPEN_ARCHIVED: &str = "open from the archive";
pub(crate) const MAKE_BATCH: &str = "make a batch of 100 prekeys, signed";

/// Prekeys of one batch.
pub(crate) const BATCH: u32 = 100;

/// Alice on one of her devices, and Bob's one-time prekey.
pub(crate) struct Pair<'a> {
    alice: &'a Person,
    bob: &'a Person,
    identity: IdentityPublic,
    device: DeviceId,
    key: DeviceKey,
    prekey: PrekeySecret,
    to_bob: Prekey,
    epoch: EpochId,
    archive_key: ArchiveKey,
}

/// Bytes as they come from the server: what all share, Bob's seal, and his archived key.
pub(crate) struct Received {
    shared: Vec<u8>,
    seal: Vec<u8>,
    archived: Vec<u8>,
}

impl<'a> Pair<'a> {
    pub(crate) fn new(people: &'a [Person], rng: &mut Seeded) -> Self {
        let [alice, bob] = [&people[0], &people[1]];
        let prekey = PrekeySecret::one_time(PrekeyId(7), 1, &PrekeySeed::generate(rng));
        let to_bob = prekey.sign(bob.account, &bob.identity).verify(bob.account, &bob.identity.public());
        Self {
            alice,
            bob,
            identity: alice.identity.public(),
            device: DeviceId::random(rng),
            key: DeviceKey::generate(rng),
            prekey,
            to_bob: to_bob.expect("just signed by this very key"),
            epoch: EpochId::random(rng),
            archive_key: ArchiveKey::generate(rng),
        }
    }

    /// Ready to be sealed again and again, the sender's own copy archived.
    pub(crate) fn sealing<'b>(&'b self, rng: &'b mut Seeded) -> impl FnMut() + 'b {
        move || {
            let sealed = self.seal(rng);
            let own = self.place(self.alice.account, sealed.envelope.claimed_header());
            black_box(self.archive_key.seal(own, &sealed.content_key, rng));
            black_box(sealed);
        }
    }

    pub(crate) fn received(&self, rng: &mut Seeded) -> Received {
        let sealed = self.seal(rng);
        let place = self.place(self.bob.account, sealed.envelope.claimed_header());
        Received {
            shared: sealed.envelope.shared_bytes().to_vec(),
            seal: sealed.envelope.seals_of(self.bob.account),
            archived: self.archive_key.seal(place, &sealed.content_key, rng),
        }
    }

    /// Parsed, verified, opened by the one-time prekey, its key archived.
    pub(crate) fn open(&self, received: &Received, rng: &mut Seeded) {
        let delivery = Delivery::parse(&received.shared, &received.seal).expect("the delivery is sound");
        let verified = delivery.verify(self.sender()).expect("the signature holds");
        let opened = verified.open(self.bob.account, &self.bob.identity.public(), &self.prekey);
        let opened = opened.expect("the delivery opens");
        let place = self.place(self.bob.account, opened.header());
        black_box(self.archive_key.seal(place, opened.content_key(), rng));
        black_box(opened);
    }

    /// Parsed, verified, opened by the archived key.
    pub(crate) fn open_from_archive(&self, received: &Received) {
        let delivery = Delivery::parse(&received.shared, &[]).expect("the delivery is sound");
        let verified = delivery.verify(self.sender()).expect("the signature holds");
        let place = self.place(self.bob.account, verified.header());
        let content_key = self.archive_key.open(place, &received.archived).expect("the archived key opens");
        black_box(verified.open_with(content_key).expect("the delivery opens"));
    }

    /// A batch of one-time prekeys: drawn, and signed for publishing.
    pub(crate) fn make_batch(&self, rng: &mut Seeded) {
        for id in 1..=BATCH {
            let prekey = PrekeySecret::one_time(PrekeyId(id), 1, &PrekeySeed::generate(rng));
            black_box(prekey.sign(self.bob.account, &self.bob.identity));
        }
    }

    fn seal(&self, rng: &mut Seeded) -> Sealed {
        let draft = Draft {
            conversation: ConversationId::of_set([self.alice.account, self.bob.account]),
            message: MessageId::random(rng),
            parents: &[],
            sent_at_ms: 1_790_000_000_000,
            expiry: Expiry::Never,
            content: CONTENT,
        };
        let author = Author {
            account: self.alice.account,
            identity: &self.identity,
            device: self.device,
            key: &self.key,
            log_head: LogHash::from_bytes([5; 32]),
        };
        let sealed = draft.seal_by_device(author, std::slice::from_ref(&self.to_bob), &[], rng);
        sealed.expect("the draft is sound")
    }

    fn sender(&self) -> Sender {
        Sender { identity: self.identity, device: Some((self.device, self.key.public())) }
    }

    fn place(&self, account: AccountId, header: &Header) -> ArchivePlace {
        ArchivePlace {
            account,
            conversation: header.conversation,
            message: header.message,
            epoch: self.epoch,
        }
    }
}

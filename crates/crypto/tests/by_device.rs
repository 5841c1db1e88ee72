//! Messages that devices write: signed by a device, sealed to prekeys that die, archived by their readers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod seeded;

use crypto::{
    CannotOpen,
    archive::{ArchiveKey, ArchivePlace},
    device::{DeviceKey, DevicePublic},
    envelope::{
        Author, CannotSeal, ContentKey, Delivery, Draft, Envelope, Expiry, MAX_SEALS, Opened, SEAL_BYTES,
        Sealed, Sender,
    },
    id::{AccountId, ConversationId, DeviceId, EpochId, LogHash, MessageId, PrekeyId},
    identity::IdentityKey,
    prekey::{Prekey, PrekeySecret, PrekeySeed},
};
use seeded::Seeded;

const CONTENT: &[u8] = b"Hello Bob!";

/// An account and one of its devices.
struct Person {
    account: AccountId,
    identity: IdentityKey,
    device: DeviceId,
    key: DeviceKey,
}

impl Person {
    fn generate(rng: &mut Seeded) -> Self {
        Self {
            account: AccountId::random(rng),
            identity: IdentityKey::generate(rng),
            device: DeviceId::random(rng),
            key: DeviceKey::generate(rng),
        }
    }

    /// The same account on another device.
    fn elsewhere(&self, rng: &mut Seeded) -> Self {
        let identity = self.identity.clone();
        Self { account: self.account, identity, device: DeviceId::random(rng), key: DeviceKey::generate(rng) }
    }

    fn one_time(&self, id: u32, rng: &mut Seeded) -> (PrekeySecret, Prekey) {
        let secret = PrekeySecret::one_time(PrekeyId(id), 1, &PrekeySeed::generate(rng));
        let public = secret.sign(self.account, &self.identity);
        (secret, public.verify(self.account, &self.identity.public()).unwrap())
    }

    fn on_device(&self, id: u32, rng: &mut Seeded) -> (PrekeySecret, Prekey) {
        let secret = PrekeySecret::of_device(self.device, PrekeyId(id), 1, &PrekeySeed::generate(rng));
        let public = secret.sign_by_device(self.account, &self.key);
        let identity = self.identity.public();
        (secret, public.verify_of_device(self.account, &identity, self.device, &self.key.public()).unwrap())
    }

    fn sender(&self) -> Sender {
        Sender { identity: self.identity.public(), device: Some((self.device, self.key.public())) }
    }

    fn seal(
        &self,
        expiry: Expiry,
        prekeys: &[Prekey],
        absent: &[&Self],
        rng: &mut Seeded,
    ) -> Result<Sealed, CannotSeal> {
        let members = prekeys.iter().map(Prekey::account).chain(absent.iter().map(|one| one.account));
        let draft = Draft {
            conversation: ConversationId::of_set(members.chain([self.account])),
            message: MessageId::random(rng),
            parents: &[],
            sent_at_ms: 1_790_000_000_000,
            expiry,
            content: CONTENT,
        };
        let author = Author {
            account: self.account,
            identity: &self.identity.public(),
            device: self.device,
            key: &self.key,
            log_head: LogHash::from_bytes([5; 32]),
        };
        let absent: Vec<_> = absent.iter().map(|one| (one.account, one.identity.public())).collect();
        draft.seal_by_device(author, prekeys, &absent, rng)
    }

    fn opens(&self, delivery: Delivery, from: &Self, prekey: &PrekeySecret) -> Result<Opened, CannotOpen> {
        delivery.verify(from.sender())?.open(self.account, &self.identity.public(), prekey)
    }
}

fn people() -> ([Person; 3], Seeded) {
    let mut rng = Seeded::new("by device");
    ([(); 3].map(|()| Person::generate(&mut rng)), rng)
}

#[test]
fn a_one_time_prekey_receives_and_the_sender_needs_no_seal() {
    let ([alice, bob, _], mut rng) = people();
    let (secret, public) = bob.one_time(7, &mut rng);
    let Sealed { envelope, content_key } = alice.seal(Expiry::Never, &[public], &[], &mut rng).unwrap();
    assert_eq!(envelope.seals().len(), 1);
    let parsed = Envelope::parse(&envelope.to_bytes()).unwrap();
    assert_eq!(parsed, envelope);
    let opened = bob.opens(parsed.delivery_to(bob.account).unwrap(), &alice, &secret).unwrap();
    assert_eq!((opened.content(), opened.content_key()), (CONTENT, &content_key));

    let own = parsed.delivery_to(alice.account).unwrap();
    assert_eq!(parsed.seals_of(alice.account), []);
    assert_eq!(own.verify(alice.sender()).unwrap().open_with(content_key).unwrap().content(), CONTENT);
}

#[test]
fn every_changed_byte_is_noticed() {
    let ([alice, bob, _], mut rng) = people();
    let (secret, public) = bob.one_time(7, &mut rng);
    let sealed = alice.seal(Expiry::Never, &[public], &[], &mut rng).unwrap();
    let bytes = sealed.envelope.to_bytes();
    let opens = |bytes: &[u8]| {
        let delivery = Envelope::parse(bytes).ok().and_then(|envelope| envelope.delivery_to(bob.account));
        delivery.is_some_and(|delivery| bob.opens(delivery, &alice, &secret).is_ok())
    };
    assert!(opens(&bytes));
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        assert!(!opens(&changed), "byte {index}");
    }
}

#[test]
fn only_the_device_that_the_header_names_signs() {
    let ([alice, bob, mallory], mut rng) = people();
    let (_, public) = bob.one_time(7, &mut rng);
    let sealed = alice.seal(Expiry::Never, &[public], &[], &mut rng).unwrap();
    let Sender { identity, device: Some((device, key)) } = alice.sender() else { unreachable!() };
    let other: DevicePublic = mallory.key.public();
    for refused in [
        Sender { identity, device: None },
        Sender { identity, device: Some((device, other)) },
        Sender { identity, device: Some((mallory.device, key)) },
        Sender { identity: mallory.identity.public(), device: Some((device, key)) },
    ] {
        assert!(sealed.envelope.verify(refused).is_err());
    }
    assert!(sealed.envelope.verify(alice.sender()).is_ok());
}

#[test]
fn a_prekey_opens_only_as_what_it_was_published() {
    let ([alice, bob, _], mut rng) = people();
    let (secret, public) = bob.one_time(7, &mut rng);
    let sealed = alice.seal(Expiry::Never, &[public], &[], &mut rng).unwrap();
    let delivery = || sealed.envelope.delivery_to(bob.account).unwrap();
    let as_signed = PrekeySecret::from_seed(secret.id(), 1, secret.seed());
    let other_id = PrekeySecret::one_time(PrekeyId(8), 1, secret.seed());
    let of_device = PrekeySecret::of_device(bob.device, secret.id(), 1, secret.seed());
    for other in [as_signed, other_id, of_device] {
        assert!(bob.opens(delivery(), &alice, &other).is_err());
    }
    assert!(bob.opens(delivery(), &alice, &secret).is_ok());
}

#[test]
fn a_disappearing_message_has_a_seal_for_each_device() {
    let ([alice, bob, carol], mut rng) = people();
    let [phone, tablet] = [&bob, &alice].map(|person| person.elsewhere(&mut rng));
    let (bob_secret, to_bob) = bob.on_device(1, &mut rng);
    let (phone_secret, to_phone) = phone.on_device(1, &mut rng);
    let (tablet_secret, to_tablet) = tablet.on_device(9, &mut rng);
    let after = Expiry::AfterSeconds(300);
    let prekeys = [to_bob, to_phone, to_tablet];
    let sealed = alice.seal(after, &prekeys, &[&carol], &mut rng).unwrap();
    let envelope = Envelope::parse(&sealed.envelope.to_bytes()).unwrap();
    assert_eq!(envelope.seals_of(bob.account).len(), 2 * SEAL_BYTES);
    assert_eq!(envelope.seals_of(carol.account).len(), 0);
    for (person, secret) in [(&bob, &bob_secret), (&phone, &phone_secret), (&tablet, &tablet_secret)] {
        let delivery = envelope.delivery_to(person.account).unwrap();
        assert_eq!(person.opens(delivery, &alice, secret).unwrap().content(), CONTENT);
    }
    // The relay cuts a delivery by account; the seals of one do not open as the other's.
    let swapped = [&envelope.seals_of(bob.account)[SEAL_BYTES..], &[1; SEAL_BYTES]].concat();
    let delivery = Delivery::parse(envelope.shared_bytes(), &swapped).unwrap();
    assert!(bob.opens(delivery, &alice, &bob_secret).is_err());
}

#[test]
fn what_a_reader_would_refuse_is_not_sealed() {
    let ([alice, bob, carol], mut rng) = people();
    let after = Expiry::AfterSeconds(300);
    let (_, one_time) = bob.one_time(1, &mut rng);
    let (_, on_device) = bob.on_device(1, &mut rng);
    let error = |sealed: Result<Sealed, CannotSeal>| sealed.err();
    assert_eq!(
        error(alice.seal(after, std::slice::from_ref(&one_time), &[], &mut rng)),
        Some(CannotSeal::Kind)
    );
    assert_eq!(
        error(alice.seal(Expiry::Never, std::slice::from_ref(&on_device), &[], &mut rng)),
        Some(CannotSeal::Kind)
    );
    let twice = [on_device.clone(), on_device.clone()];
    assert_eq!(error(alice.seal(after, &twice, &[], &mut rng)), Some(CannotSeal::Recipients));
    assert_eq!(error(alice.seal(after, &[on_device], &[&bob, &carol], &mut rng)), Some(CannotSeal::Kind));
    let many: Vec<Prekey> =
        (0..=MAX_SEALS).map(|_| bob.elsewhere(&mut rng).on_device(1, &mut rng).1).collect();
    assert_eq!(error(alice.seal(after, &many, &[], &mut rng)), Some(CannotSeal::Devices));
}

#[test]
fn an_archived_key_opens_its_own_message_only() {
    let ([alice, ..], mut rng) = people();
    let key = ArchiveKey::generate(&mut rng);
    let place = ArchivePlace {
        account: alice.account,
        conversation: ConversationId::of_set([alice.account]),
        message: MessageId::random(&mut rng),
        epoch: EpochId::random(&mut rng),
    };
    let content_key = ContentKey::from_bytes(&[3; 32]);
    let archived = key.seal(place, &content_key, &mut rng);
    assert_eq!(key.open(place, &archived).unwrap(), content_key);
    let other = AccountId::random(&mut rng);
    for moved in [
        ArchivePlace { account: other, ..place },
        ArchivePlace { conversation: ConversationId::of_set([other]), ..place },
        ArchivePlace { message: MessageId::random(&mut rng), ..place },
        ArchivePlace { epoch: EpochId::random(&mut rng), ..place },
    ] {
        assert!(key.open(moved, &archived).is_err());
    }
    assert!(ArchiveKey::generate(&mut rng).open(place, &archived).is_err());
    for index in 0..archived.len() {
        let mut changed = archived.clone();
        changed[index] ^= 1;
        assert!(key.open(place, &changed).is_err(), "byte {index}");
    }
}

#[test]
fn a_device_vouches_for_its_own_prekeys_and_for_no_other() {
    let ([alice, bob, _], mut rng) = people();
    let secret = PrekeySecret::of_device(alice.device, PrekeyId(1), 1, &PrekeySeed::generate(&mut rng));
    let signed = secret.sign_by_device(alice.account, &alice.key);
    let (identity, key) = (alice.identity.public(), alice.key.public());
    assert!(signed.verify_of_device(alice.account, &identity, alice.device, &key).is_ok());
    assert!(signed.verify_of_device(alice.account, &identity, bob.device, &key).is_err());
    assert!(signed.verify_of_device(bob.account, &identity, alice.device, &key).is_err());
    assert!(signed.verify_of_device(alice.account, &identity, alice.device, &bob.key.public()).is_err());
    assert!(signed.verify(alice.account, &identity).is_err());
    let one_time = PrekeySecret::one_time(PrekeyId(1), 1, secret.seed()).sign(alice.account, &alice.identity);
    assert!(one_time.verify_of_device(alice.account, &identity, alice.device, &key).is_err());
}

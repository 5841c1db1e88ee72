//! Nothing that is changed opens: neither by someone in between, nor by a recipient who signs anew. What a hostile sender
//! may try is in `hostile_sender.rs`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod parts;
mod people;
mod seeded;

use crypto::{
    CannotOpen,
    envelope::{Delivery, Envelope, Opened, SEAL_BYTES},
    id::PrekeyId,
    prekey::PrekeySecret,
};
use parts::{Parts, RECIPIENT_BYTES, RECIPIENTS_AT};
use people::{Person, seal};
use seeded::Seeded;

const CONTENT: &[u8] = b"Hello Bob!";

/// Alice, Bob, Carol and Mallory, and one envelope from Alice to Bob.
struct Scene {
    alice: Person,
    bob: Person,
    carol: Person,
    mallory: Person,
    envelope: Vec<u8>,
    rng: Seeded,
}

impl Scene {
    fn new() -> Self {
        let mut rng = Seeded::new("tampering");
        let [alice, bob, carol, mallory] = [(); 4].map(|()| Person::generate(&mut rng));
        let envelope = seal(&alice, &[&alice, &bob], CONTENT, &mut rng).to_bytes();
        assert_eq!(open(&envelope, &alice, &bob).unwrap().content(), CONTENT);
        Self { alice, bob, carol, mallory, envelope, rng }
    }
}

/// What `reader` gets of these bytes, believing them to be from `sender`.
fn open(envelope: &[u8], sender: &Person, reader: &Person) -> Result<Opened, CannotOpen> {
    let envelope = Envelope::parse(envelope).map_err(|_| CannotOpen)?;
    envelope.verify(&sender.identity.public())?;
    let delivery = envelope.delivery_to(reader.account).ok_or(CannotOpen)?;
    delivery.verify(&sender.identity.public())?.open(
        reader.account,
        &reader.identity.public(),
        &reader.prekey,
    )
}

#[test]
fn every_changed_bit_of_an_envelope_is_noticed() {
    let Scene { alice, bob, envelope, .. } = Scene::new();
    for (index, bit) in (0..envelope.len()).flat_map(|index| (0..8).map(move |bit| (index, bit))) {
        let mut changed = envelope.clone();
        changed[index] ^= 1 << bit;
        assert!(open(&changed, &alice, &bob).is_err(), "bit {bit} of byte {index}");
    }
}

#[test]
fn every_changed_byte_of_a_delivery_is_noticed() {
    let Scene { alice, bob, envelope, .. } = Scene::new();
    let envelope = Envelope::parse(&envelope).unwrap();
    let place = envelope.claimed_header().place_of(bob.account).unwrap();
    let (shared, own_seal) = (envelope.shared_bytes().to_vec(), envelope.seals()[place]);
    let opens = |shared: &[u8], seal: &[u8]| {
        Delivery::parse(shared, seal)
            .map_err(|_| CannotOpen)
            .and_then(|delivery| delivery.verify(&alice.identity.public()))
            .and_then(|verified| verified.open(bob.account, &bob.identity.public(), &bob.prekey))
            .is_ok()
    };
    assert!(opens(&shared, &own_seal));
    for index in 0..shared.len() {
        let mut changed = shared.clone();
        changed[index] ^= 1;
        assert!(!opens(&changed, &own_seal), "byte {index} of the shared part");
    }
    for index in 0..SEAL_BYTES {
        let mut changed = own_seal;
        changed[index] ^= 1;
        assert!(!opens(&shared, &changed), "byte {index} of the seal");
    }
    assert!(!opens(&shared, &envelope.seals()[1 - place]), "the seal of another recipient");
}

/// Even the sender cannot make a changed header, commitment, body or seal open: they are bound to each other below the
/// signature. (A recipient who knows the content key is no better placed.)
#[test]
fn every_changed_byte_is_noticed_even_when_its_sender_signs_it() {
    let Scene { alice, bob, envelope, .. } = Scene::new();
    let parts = Parts::of(&envelope);
    let place = Envelope::parse(&envelope).unwrap().claimed_header().place_of(bob.account).unwrap();
    assert!(open(&parts.signed_by(&alice), &alice, &bob).is_ok());

    for part in [Part::Header, Part::Commit, Part::Body, Part::Seal(place)] {
        for index in 0..part.of(&mut parts.clone()).len() {
            let mut changed = parts.clone();
            part.of(&mut changed)[index] ^= 1;
            assert!(open(&changed.signed_by(&alice), &alice, &bob).is_err(), "byte {index} of {part:?}");
        }
    }
}

#[test]
fn a_message_for_bob_does_not_open_for_carol() {
    let Scene { alice, bob, carol, envelope, .. } = Scene::new();
    assert!(open(&envelope, &alice, &carol).is_err());
    let [as_bob, with_bobs_key, with_bobs_name] = [
        Person { account: bob.account, ..Scene::new().carol },
        Person { prekey: bob.prekey.clone(), ..Scene::new().carol },
        Person { account: bob.account, identity: bob.identity.clone(), prekey: carol.prekey.clone() },
    ];
    for carol in [as_bob, with_bobs_key, with_bobs_name] {
        assert!(open(&envelope, &alice, &carol).is_err());
    }
}

#[test]
fn another_prekey_of_the_same_account_does_not_open() {
    let Scene { alice, bob, envelope, mut rng, .. } = Scene::new();
    let same_number = PrekeySecret::generate(bob.prekey.id(), 1, &mut rng);
    let other_number = PrekeySecret::from_seed(PrekeyId(2), 1, bob.prekey.seed());
    for prekey in [same_number, other_number] {
        let bob = Person { account: bob.account, identity: bob.identity.clone(), prekey };
        assert!(open(&envelope, &alice, &bob).is_err());
    }
}

#[test]
fn what_mallory_signs_is_not_from_alice() {
    let Scene { alice, bob, mallory, mut rng, .. } = Scene::new();
    let envelope = seal(&alice, &[&alice, &bob, &mallory], CONTENT, &mut rng).to_bytes();
    let parts = Parts::of(&envelope);
    let resigned = parts.signed_by(&mallory);
    assert!(open(&resigned, &alice, &bob).is_err());
    let parsed = Envelope::parse(&resigned).unwrap();
    assert!(
        parsed.verify(&mallory.identity.public()).is_err(),
        "the header still lists Alice's key for its sender"
    );

    let mut as_mallory = parts.clone();
    replace(&mut as_mallory.header, &alice.account.to_bytes(), &mallory.account.to_bytes(), SENDER_AT);
    let as_mallory = as_mallory.signed_by(&mallory);
    assert!(Envelope::parse(&as_mallory).unwrap().verify(&mallory.identity.public()).is_ok());
    assert!(open(&as_mallory, &mallory, &bob).is_err(), "Alice's seal and body do not open as Mallory's");

    let mut with_parents = parts.clone();
    let count = RECIPIENTS_AT + 3 * RECIPIENT_BYTES;
    with_parents.header.splice(count..=count, [&[1], [7; 32].as_slice()].concat());
    assert!(Envelope::parse(&with_parents.signed_by(&mallory)).is_ok());
    assert!(open(&with_parents.signed_by(&mallory), &alice, &bob).is_err());
    assert!(open(&with_parents.signed_by(&alice), &alice, &bob).is_err(), "the parents are bound below, too");
}

#[test]
fn a_stripped_envelope_does_not_open_whoever_signs_it() {
    let Scene { alice, bob, carol, mut rng, .. } = Scene::new();
    let envelope = seal(&alice, &[&alice, &bob, &carol], CONTENT, &mut rng);
    let without_carol = envelope.claimed_header().place_of(carol.account).unwrap();
    let mut parts = Parts::of(&envelope.to_bytes());
    parts.header[RECIPIENTS_AT - 1] = 2;
    let start = RECIPIENTS_AT + without_carol * RECIPIENT_BYTES;
    parts.header.drain(start..start + RECIPIENT_BYTES);
    parts.seals.remove(without_carol);
    assert!(Envelope::parse(&parts.signed_by(&alice)).is_err(), "the conversation is another one");

    let two = seal(&alice, &[&alice, &bob], CONTENT, &mut rng);
    parts.header[CONVERSATION_AT..CONVERSATION_AT + 32]
        .copy_from_slice(&two.claimed_header().conversation.to_bytes());
    for signer in [&alice, &carol] {
        let stripped = parts.signed_by(signer);
        assert!(Envelope::parse(&stripped).is_ok());
        assert!(open(&stripped, &alice, &bob).is_err());
    }
}

#[test]
fn recipients_and_seals_keep_their_order() {
    let Scene { alice, bob, envelope, .. } = Scene::new();
    let parts = Parts::of(&envelope);

    let mut reordered = parts.clone();
    let (first, second) = (RECIPIENTS_AT, RECIPIENTS_AT + RECIPIENT_BYTES);
    let moved: Vec<u8> = reordered.header.drain(first..second).collect();
    reordered.header.splice(first + RECIPIENT_BYTES..first + RECIPIENT_BYTES, moved);
    assert!(Envelope::parse(&reordered.signed_by(&alice)).is_err());

    let mut swapped = parts.clone();
    swapped.seals.swap(0, 1);
    assert!(
        Envelope::parse(&swapped.assembled(&parts.seal_hashes(), &alice)).is_err(),
        "not the listed seals"
    );
    assert!(open(&swapped.signed_by(&alice), &alice, &bob).is_err());
}

#[test]
fn parts_of_two_envelopes_do_not_mix() {
    let Scene { alice, bob, envelope, mut rng, .. } = Scene::new();
    let one = Parts::of(&envelope);
    let other = Parts::of(&seal(&alice, &[&alice, &bob], CONTENT, &mut rng).to_bytes());
    let mixed = [
        Parts { header: other.header.clone(), ..one.clone() },
        Parts { commit: other.commit.clone(), ..one.clone() },
        Parts { body: other.body.clone(), ..one.clone() },
        Parts { seals: other.seals.clone(), ..one.clone() },
        Parts { commit: other.commit.clone(), body: other.body.clone(), ..one.clone() },
        Parts { header: one.header.clone(), ..other.clone() },
    ];
    for parts in mixed {
        assert!(open(&parts.signed_by(&alice), &alice, &bob).is_err());
    }
}

const CONVERSATION_AT: usize = 2;
const SENDER_AT: usize = 2 + 32 + 1 + 16;

/// What can be changed below the signature.
#[derive(Clone, Copy, Debug)]
enum Part {
    Header,
    Commit,
    Body,
    Seal(usize),
}

impl Part {
    fn of(self, parts: &mut Parts) -> &mut Vec<u8> {
        match self {
            Self::Header => &mut parts.header,
            Self::Commit => &mut parts.commit,
            Self::Body => &mut parts.body,
            Self::Seal(place) => &mut parts.seals[place],
        }
    }
}

/// Writes `new` over `old`, which must stand at `at`.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8], at: usize) {
    assert_eq!(&bytes[at..at + old.len()], old);
    bytes[at..at + new.len()].copy_from_slice(new);
}

//! The messages that are measured: short, to one other or to many; by accounts, and by devices.

pub(crate) mod by_device;

use std::hint::black_box;

use crypto::{
    envelope::{Delivery, Draft, Expiry},
    id::{ConversationId, MessageId},
};

use crate::{
    people::{Person, seal},
    seeded::Seeded,
};

/// What one message holds here; padding makes it 512.
const CONTENT: &[u8] = &[b'x'; 256];

pub(crate) fn people(count: usize, rng: &mut Seeded) -> Vec<Person> {
    (0..count).map(|_| Person::generate(rng)).collect()
}

/// A draft to everyone, ready to be sealed again and again.
pub(crate) fn sealing_to<'a>(people: &'a [Person], rng: &'a mut Seeded) -> impl FnMut() + 'a {
    let prekeys: Vec<_> = people.iter().map(Person::published).collect();
    let draft = Draft {
        conversation: ConversationId::of_set(people.iter().map(|person| person.account)),
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: 1_790_000_000_000,
        expiry: Expiry::Never,
        content: CONTENT,
    };
    move || {
        let sealed = draft.seal(people[0].account, &people[0].identity, &prekeys, rng);
        black_box(sealed.expect("the draft is sound"));
    }
}

/// Bytes as they come from the server: what all share, and the second person's seal.
pub(crate) fn received(people: &[Person], rng: &mut Seeded) -> (Vec<u8>, Vec<u8>) {
    let envelope = seal(&people[0], &people.iter().collect::<Vec<_>>(), CONTENT, rng);
    let place = envelope.claimed_header().place_of(people[1].account).expect("a recipient");
    (envelope.shared_bytes().to_vec(), envelope.seals()[place].to_vec())
}

/// Parsed, verified, opened.
pub(crate) fn open((shared, seal): &(Vec<u8>, Vec<u8>), people: &[Person]) {
    let opened = Delivery::parse(shared, seal)
        .expect("the delivery is sound")
        .verify(&people[0].identity.public())
        .and_then(|verified| {
            verified.open(people[1].account, &people[1].identity.public(), &people[1].prekey)
        });
    black_box(opened.expect("the delivery opens"));
}

//! Parsers: what they take has one spelling, and nothing makes them panic.

mod people;
mod seeded;

use crypto::{
    account_key::WrappedAccountKey,
    envelope::{Delivery, Envelope, MAX_CONTENT_BYTES, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS},
    id::{AccountId, ConversationId},
    identity::IdentityPublic,
    kdf::KdfParams,
    prekey::SignedPrekey,
    recovery::RecoveryKey,
};
use people::{Person, seal};
use proptest::{collection::vec, prelude::*};
use seeded::Seeded;

fn few_cases() -> ProptestConfig {
    ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(few_cases())]

    #[test]
    fn what_is_sealed_is_read_back_by_all(
        content in vec(any::<u8>(), 0..3_000),
        others in 1usize..5,
    ) {
        let mut rng = Seeded::new("round trip");
        let people: Vec<Person> = (0..=others).map(|_| Person::generate(&mut rng)).collect();
        let envelope = seal(&people[0], &people.iter().collect::<Vec<_>>(), &content, &mut rng);
        let bytes = envelope.to_bytes();
        let parsed = Envelope::parse(&bytes).unwrap();
        prop_assert_eq!(&parsed, &envelope);
        prop_assert_eq!(parsed.to_bytes(), bytes);
        prop_assert_eq!(parsed.to_string().parse::<Envelope>().unwrap(), envelope);
        for person in &people {
            let delivery = parsed.delivery_to(person.account).unwrap();
            let verified = delivery.verify(&people[0].identity.public()).unwrap();
            let opened = verified.open(person.account, &person.identity.public(), &person.prekey).unwrap();
            prop_assert_eq!(opened.content(), &content);
            prop_assert_eq!(opened.hash(), parsed.hash());
            prop_assert_eq!(opened.header(), parsed.claimed_header());
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..2_000), text in any::<String>()) {
        parse_everything(&bytes);
        let _ = RecoveryKey::parse(&text);
        prop_assert!(text.parse::<AccountId>().is_err() || text.len() == 22);
    }

    /// Sound bytes with some of them replaced get further into the parser than noise does.
    #[test]
    fn no_damaged_envelope_makes_a_parser_panic(
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut rng = Seeded::new("damage");
        let [alice, bob] = [(); 2].map(|()| Person::generate(&mut rng));
        let mut bytes = seal(&alice, &[&alice, &bob], b"text", &mut rng).to_bytes();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        parse_everything(&bytes);
        parse_everything(&bytes[..cut.index(bytes.len())]);
    }
}

/// Each parser either refuses the bytes or gives them back as they were.
fn parse_everything(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(envelope.to_bytes(), bytes);
    }
    let (shared, seal) = bytes.split_at(bytes.len() / 2);
    let _ = Delivery::parse(bytes, bytes);
    let _ = Delivery::parse(shared, seal);
    if let Ok(prekey) = SignedPrekey::parse(bytes) {
        assert_eq!(prekey.to_bytes(), bytes);
    }
    for length in [21, 32, 62] {
        let bytes = &bytes[..length.min(bytes.len())];
        if let Ok(params) = KdfParams::parse(bytes) {
            assert_eq!(params.to_bytes().as_slice(), bytes);
        }
        if let Ok(identity) = IdentityPublic::parse(bytes) {
            assert_eq!(identity.to_bytes().as_slice(), bytes);
        }
        if let Ok(wrapped) = WrappedAccountKey::parse(bytes) {
            assert_eq!(wrapped.to_bytes().as_slice(), bytes);
        }
    }
}

#[test]
fn an_envelope_cut_or_lengthened_anywhere_is_refused() {
    let mut rng = Seeded::new("cuts");
    let [alice, bob] = [(); 2].map(|()| Person::generate(&mut rng));
    let bytes = seal(&alice, &[&alice, &bob], b"text", &mut rng).to_bytes();
    for end in 0..bytes.len() {
        assert!(Envelope::parse(&bytes[..end]).is_err(), "cut at {end}");
    }
    assert!(Envelope::parse(&[bytes.as_slice(), &[0]].concat()).is_err());
    assert!(Envelope::parse(&[bytes.as_slice(), &bytes[bytes.len() - 1168..]].concat()).is_err());
    assert!(Envelope::parse(&vec![1; MAX_ENVELOPE_BYTES + 1]).is_err());
}

#[test]
fn the_largest_envelope_stays_below_its_limit() {
    let mut rng = Seeded::new("largest");
    let people: Vec<Person> = (0..MAX_RECIPIENTS).map(|_| Person::generate(&mut rng)).collect();
    let content = vec![7; MAX_CONTENT_BYTES];
    let envelope = seal(&people[0], &people.iter().collect::<Vec<_>>(), &content, &mut rng).to_bytes();
    assert!(envelope.len() <= MAX_ENVELOPE_BYTES, "{}", envelope.len());
    let last = people.last().unwrap();
    let delivery = Envelope::parse(&envelope).unwrap().delivery_to(last.account).unwrap();
    let verified = delivery.verify(&people[0].identity.public()).unwrap();
    let opened = verified.open(last.account, &last.identity.public(), &last.prekey).unwrap();
    assert_eq!(opened.content(), content);
}

#[test]
fn a_text_has_one_spelling() {
    let id = AccountId::from_bytes([0xff; 16]);
    let text = id.to_string();
    assert_eq!(text, "_____________________w");
    assert_eq!(text.parse::<AccountId>(), Ok(id));
    for other in [
        "_____________________x",
        "/////////////////////w",
        "_____________________w==",
        "_____________________w ",
    ] {
        assert!(other.parse::<AccountId>().is_err(), "{other}");
    }
}

#[test]
fn a_conversation_is_the_set_of_its_members() {
    let [a, b, c] = [1, 2, 3].map(|byte| AccountId::from_bytes([byte; 16]));
    let all = ConversationId::of_set([a, b, c]);
    assert_eq!(ConversationId::of_set([c, a, b, a]), all);
    assert_ne!(ConversationId::of_set([a, b]), all);
}

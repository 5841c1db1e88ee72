//! Nothing that is changed opens: neither by someone in between, nor by a recipient who signs anew, nor by a hostile
//! sender who can sign whatever they like. For the last two, envelopes are taken apart and put together here by hand,
//! after the format's description and not through the crate, so that each inner layer meets its own attack.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod people;
mod seeded;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use crypto::{
    CannotOpen,
    envelope::{Delivery, Envelope, Opened, SEAL_BYTES},
    id::PrekeyId,
    prekey::PrekeySecret,
};
use ed25519_dalek::{Signer, SigningKey};
use hkdf::Hkdf;
use hpke::{
    Deserializable, Kem, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing,
    single_shot_seal_with_rng,
};
use people::{Person, seal};
use seeded::Seeded;
use sha2::{Digest, Sha256};

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
        for index in 0..parts.clone().part(part).len() {
            let mut changed = parts.clone();
            changed.part(part)[index] ^= 1;
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
    assert!(open(&resigned, &mallory, &bob).is_err(), "the header still lists Alice's key for its sender");

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

/// AES-GCM alone lets a sender make one body that opens under two content keys, so that two readers see two texts under
/// one signature. The commitment stops it: an envelope that is sound in everything but the commitment does not open.
#[test]
fn an_envelope_commits_to_its_content_key() {
    let Scene { alice, bob, envelope, mut rng, .. } = Scene::new();
    let place = Envelope::parse(&envelope).unwrap().claimed_header().place_of(bob.account).unwrap();
    let header_hash = hash("secure-messaging/1 header", &Parts::of(&envelope).header);
    let content_key = [1; 32];
    let mut both = [0; 64];
    Hkdf::<Sha256>::new(Some(&header_hash), &content_key)
        .expand(b"secure-messaging/1 body", &mut both)
        .unwrap();
    let (body_key, commit) = both.split_at(32);

    let mut made_with = |listed: &[u8], bound_to_body: &[u8]| {
        let mut parts = Parts::of(&envelope);
        parts.commit = listed.to_vec();
        let mut padded = [&(CONTENT.len() as u32).to_be_bytes(), CONTENT].concat();
        padded.resize(256, 0);
        let aad = [parts.header.as_slice(), bound_to_body].concat();
        let tag = Aes256Gcm::new_from_slice(body_key)
            .unwrap()
            .encrypt_inout_detached((&[0; 12]).into(), &aad, padded.as_mut_slice().into())
            .unwrap();
        parts.body = [padded.as_slice(), &tag].concat();
        parts.seals[place] = sealed_by_hand(&content_key, &alice, &bob, &header_hash, listed, &mut rng);
        parts.signed_by(&alice)
    };
    let opened = open(&made_with(commit, commit), &alice, &bob).unwrap();
    assert_eq!(
        opened.content(),
        CONTENT,
        "made by hand, it opens: the description of the format is complete"
    );
    assert!(open(&made_with(&[9; 32], commit), &alice, &bob).is_err(), "only the comparison notices");
    assert!(open(&made_with(&[9; 32], &[9; 32]), &alice, &bob).is_err());
    assert!(open(&made_with(commit, &[9; 32]), &alice, &bob).is_err());
}

/// X-Wing would open with the ML-KEM half alone; an honest sender never makes such a seal.
#[test]
fn a_seal_whose_x25519_half_shares_nothing_does_not_open() {
    let Scene { alice, bob, envelope, .. } = Scene::new();
    let mut parts = Parts::of(&envelope);
    let place = Envelope::parse(&envelope).unwrap().claimed_header().place_of(bob.account).unwrap();
    parts.seals[place][1088..1120].fill(0);
    assert!(open(&parts.signed_by(&alice), &alice, &bob).is_err());
}

const CONVERSATION_AT: usize = 2;
const SENDER_AT: usize = 2 + 32 + 1 + 16;
const RECIPIENTS_AT: usize = SENDER_AT + 16 + 2;
const RECIPIENT_BYTES: usize = 16 + 32 + 4 + 1;

/// An envelope, taken apart.
#[derive(Clone)]
struct Parts {
    header: Vec<u8>,
    commit: Vec<u8>,
    body: Vec<u8>,
    seals: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Header,
    Commit,
    Body,
    Seal(usize),
}

impl Parts {
    fn part(&mut self, part: Part) -> &mut Vec<u8> {
        match part {
            Part::Header => &mut self.header,
            Part::Commit => &mut self.commit,
            Part::Body => &mut self.body,
            Part::Seal(place) => &mut self.seals[place],
        }
    }

    fn of(envelope: &[u8]) -> Self {
        let recipients = usize::from(envelope[RECIPIENTS_AT - 1]);
        let parents_at = RECIPIENTS_AT + recipients * RECIPIENT_BYTES;
        let header_len = parents_at + 1 + usize::from(envelope[parents_at]) * 32 + 8 + 8 + 32 + 4;
        let (header, rest) = envelope.split_at(header_len);
        let padded = u32::from_be_bytes(header[header_len - 4..].try_into().unwrap()) as usize;
        let (commit, rest) = rest.split_at(32);
        let (body, rest) = rest.split_at(padded + 16);
        let seals = rest[32 * recipients + 64..].chunks(SEAL_BYTES).map(<[u8]>::to_vec).collect();
        Self { header: header.to_vec(), commit: commit.to_vec(), body: body.to_vec(), seals }
    }

    fn seal_hashes(&self) -> Vec<u8> {
        self.seals.iter().flat_map(|seal| hash("secure-messaging/1 seal hash", seal)).collect()
    }

    /// Put together again, with the signature that `signer` makes over it.
    fn signed_by(&self, signer: &Person) -> Vec<u8> {
        self.assembled(&self.seal_hashes(), signer)
    }

    fn assembled(&self, seal_hashes: &[u8], signer: &Person) -> Vec<u8> {
        let Self { header, commit, body, seals } = self;
        let signed = [
            b"secure-messaging/1 envelope\0".as_slice(),
            header,
            commit,
            &hash("secure-messaging/1 body hash", body),
            seal_hashes,
        ]
        .concat();
        let signature = SigningKey::from_bytes(signer.identity.seed().expose_bytes()).sign(&signed);
        [header, commit, body, seal_hashes, &signature.to_bytes(), &seals.concat()].concat()
    }
}

fn sealed_by_hand(
    content_key: &[u8; 32],
    sender: &Person,
    recipient: &Person,
    header_hash: &[u8],
    commit: &[u8],
    rng: &mut Seeded,
) -> Vec<u8> {
    let private = <XWing as Kem>::PrivateKey::from_bytes(recipient.prekey.seed().expose_bytes()).unwrap();
    let info = [
        b"secure-messaging/1 seal".as_slice(),
        &sender.identity.public().to_bytes(),
        &recipient.identity.public().to_bytes(),
        &recipient.prekey.id().0.to_be_bytes(),
    ]
    .concat();
    let (encapsulated, sealed) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &XWing::sk_to_pk(&private),
        &info,
        content_key,
        &[header_hash, commit].concat(),
        rng,
    )
    .unwrap();
    [encapsulated.to_bytes().as_slice(), &sealed].concat()
}

fn hash(label: &str, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(label).chain_update(bytes).finalize().into()
}

/// Writes `new` over `old`, which must stand at `at`.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8], at: usize) {
    assert_eq!(&bytes[at..at + old.len()], old);
    bytes[at..at + new.len()].copy_from_slice(new);
}

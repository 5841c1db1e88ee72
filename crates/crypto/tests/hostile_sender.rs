//! What a sender may try who can sign whatever they like: envelopes made by hand, each sound in everything but one point,
//! so that only the check of that point can refuse it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod key_schedule;
mod parts;
mod people;
mod seeded;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use crypto::{
    CannotOpen,
    envelope::{Delivery, Envelope},
};
use hkdf::Hkdf;
use hpke::{Deserializable, Kem, Serializable, kem::XWing};
use key_schedule::{AES_256_GCM, X_WING_KEM, key_schedule};
use ml_kem::{TryKeyInit, ml_kem_768};
use parts::{Parts, RECIPIENT_BYTES, RECIPIENTS_AT, hash};
use people::{Person, seal};
use seeded::Seeded;
use sha2::Sha256;
use sha3::{Digest, Sha3_256};
use x25519_dalek::{PublicKey, StaticSecret};

const CONTENT: &[u8] = b"Hello Bob!";
const CONTENT_KEY: [u8; 32] = [1; 32];

/// Alice sends to Bob, and is the hostile one.
struct Scene {
    alice: Person,
    bob: Person,
    header: Vec<u8>,
    seals: Vec<Vec<u8>>,
    bobs_place: usize,
}

/// How an envelope is made by hand; a sound one when nothing is set.
#[derive(Default)]
struct ByHand {
    listed_commit: Option<[u8; 32]>,
    commit_bound_to_body: Option<[u8; 32]>,
    x25519_half: X25519Half,
}

#[derive(Default)]
enum X25519Half {
    #[default]
    Ephemeral,
    Zero,
}

impl Scene {
    fn new() -> Self {
        let rng = &mut Seeded::new("hostile sender");
        let [alice, bob] = [(); 2].map(|()| Person::generate(rng));
        let envelope = seal(&alice, &[&alice, &bob], CONTENT, rng);
        let Parts { header, seals, .. } = Parts::of(&envelope.to_bytes());
        let bobs_place = envelope.claimed_header().place_of(bob.account).unwrap();
        Self { alice, bob, header, seals, bobs_place }
    }

    /// The bytes in the header that say who Bob is.
    fn bobs_entry(&mut self) -> &mut [u8] {
        let start = RECIPIENTS_AT + self.bobs_place * RECIPIENT_BYTES;
        &mut self.header[start..start + RECIPIENT_BYTES]
    }

    fn made(&self, by_hand: ByHand) -> Parts {
        let header_hash = hash("secure-messaging/1 header", &self.header);
        let mut derived = [0; 64];
        Hkdf::<Sha256>::new(Some(&header_hash), &CONTENT_KEY)
            .expand(b"secure-messaging/1 body", &mut derived)
            .unwrap();
        let (body_key, commit) = derived.split_at(32);
        let listed = by_hand.listed_commit.map_or(commit.to_vec(), Vec::from);
        let bound = by_hand.commit_bound_to_body.map_or(commit.to_vec(), Vec::from);

        let mut padded = [&(CONTENT.len() as u32).to_be_bytes(), CONTENT].concat();
        padded.resize(256, 0);
        let body = encrypted(body_key, &[0; 12], &[self.header.as_slice(), &bound].concat(), padded);
        let mut seals = self.seals.clone();
        seals[self.bobs_place] =
            self.sealed_for_bob(&[header_hash.as_slice(), &listed].concat(), by_hand.x25519_half);
        Parts { header: self.header.clone(), commit: listed, body, seals }
    }

    /// X-Wing (its draft, section 5.4) and HPKE's single shot, step by step.
    fn sealed_for_bob(&self, aad: &[u8], x25519_half: X25519Half) -> Vec<u8> {
        let private = <XWing as Kem>::PrivateKey::from_bytes(self.bob.prekey.seed().expose_bytes()).unwrap();
        let public = XWing::sk_to_pk(&private).to_bytes();
        let (ml_kem, x25519) = public.split_at(1184);
        let x25519: [u8; 32] = x25519.try_into().unwrap();
        let ml_kem = ml_kem_768::EncapsulationKey::new_from_slice(ml_kem).unwrap();
        let (ml_kem_ciphertext, ml_kem_shared) = ml_kem.encapsulate_deterministic(&[2; 32].into());
        let ephemeral = StaticSecret::from([3; 32]);
        let (point, shared) = match x25519_half {
            X25519Half::Ephemeral => {
                let shared = ephemeral.diffie_hellman(&PublicKey::from(x25519)).to_bytes();
                (PublicKey::from(&ephemeral).to_bytes(), shared)
            }
            X25519Half::Zero => ([0; 32], [0; 32]),
        };
        let shared_secret = Sha3_256::new()
            .chain_update(ml_kem_shared)
            .chain_update(shared)
            .chain_update(point)
            .chain_update(x25519)
            .chain_update(br"\.//^\")
            .finalize();

        let info = [
            b"secure-messaging/1 seal".as_slice(),
            &self.alice.identity.public().to_bytes(),
            &self.bob.identity.public().to_bytes(),
            &self.bob.prekey.id().0.to_be_bytes(),
        ]
        .concat();
        let (key, nonce) = key_schedule(X_WING_KEM, AES_256_GCM, &shared_secret, &info);
        let sealed = encrypted(&key, &nonce, aad, CONTENT_KEY.to_vec());
        [ml_kem_ciphertext.as_slice(), &point, &sealed].concat()
    }

    /// What Bob reads, after Alice has signed.
    fn bob_reads(&self, parts: &Parts) -> Result<Vec<u8>, CannotOpen> {
        let envelope = Envelope::parse(&parts.signed_by(&self.alice)).unwrap();
        self.bob_opens(envelope.delivery_to(self.bob.account).unwrap())
    }

    fn bob_opens(&self, delivery: Delivery) -> Result<Vec<u8>, CannotOpen> {
        let verified = delivery.verify(&self.alice.identity.public()).unwrap();
        let opened = verified.open(self.bob.account, &self.bob.identity.public(), &self.bob.prekey)?;
        Ok(opened.content().to_vec())
    }
}

#[test]
fn an_envelope_made_by_hand_opens() {
    let scene = Scene::new();
    assert_eq!(
        scene.bob_reads(&scene.made(ByHand::default())).unwrap(),
        CONTENT,
        "the description is complete"
    );
}

/// AES-GCM alone lets a sender make one body that opens under two content keys, so that two readers see two texts under
/// one signature. The commitment stops it.
#[test]
fn an_envelope_commits_to_its_content_key() {
    let scene = Scene::new();
    let other = Some([9; 32]);
    for by_hand in [
        ByHand { listed_commit: other, ..ByHand::default() },
        ByHand { commit_bound_to_body: other, ..ByHand::default() },
        ByHand { listed_commit: other, commit_bound_to_body: other, ..ByHand::default() },
    ] {
        assert!(scene.bob_reads(&scene.made(by_hand)).is_err());
    }
}

/// X-Wing opens with the ML-KEM half alone when the other is zero: the seal would not be hybrid.
#[test]
fn a_seal_without_an_x25519_half_does_not_open() {
    let scene = Scene::new();
    let parts = scene.made(ByHand { x25519_half: X25519Half::Zero, ..ByHand::default() });
    assert!(scene.bob_reads(&parts).is_err());
}

/// Others would be shown that Bob has a key, or a prekey, that he does not have.
#[test]
fn what_the_header_says_of_its_reader_must_be_true() {
    for at in [16, 16 + 31, 48, 48 + 3] {
        let mut scene = Scene::new();
        scene.bobs_entry()[at] ^= 1;
        assert!(scene.bob_reads(&scene.made(ByHand::default())).is_err(), "byte {at} of the entry");
    }
}

/// A sender and a relay together could give each reader a seal that the signature does not cover.
#[test]
fn a_seal_that_is_not_the_listed_one_does_not_open() {
    let scene = Scene::new();
    let parts = scene.made(ByHand::default());
    let seal = &parts.seals[scene.bobs_place];
    for (hashes, opens) in [(parts.seal_hashes(), true), (vec![7; 64], false)] {
        let all = parts.assembled(&hashes, &scene.alice);
        let shared = &all[..all.len() - 2 * seal.len()];
        let delivery = Delivery::parse(shared, seal).unwrap();
        assert_eq!(scene.bob_opens(delivery).is_ok(), opens);
    }
}

fn encrypted(key: &[u8], nonce: &[u8; 12], aad: &[u8], mut text: Vec<u8>) -> Vec<u8> {
    let cipher = Aes256Gcm::new_from_slice(key).unwrap();
    let tag = cipher.encrypt_inout_detached(nonce.into(), aad, text.as_mut_slice().into()).unwrap();
    text.extend_from_slice(&tag);
    text
}

//! What an envelope is made of, called directly: the sum that its cost is compared with.

pub(crate) mod by_device;

use std::{hint::black_box, time::Instant};

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use ed25519_dalek::{Signature, Signer, SigningKey};
use hkdf::Hkdf;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, aead::AesGcm256, kdf::HkdfSha256, kem::XWing, setup_receiver,
    setup_sender_with_rng,
};
use rand_core::Rng;
use sha2::{Digest, Sha256};

use crate::{people::Person, seeded::Seeded};

type PrivateKey = <XWing as Kem>::PrivateKey;
type PublicKey = <XWing as Kem>::PublicKey;
type EncappedKey = <XWing as Kem>::EncappedKey;

/// Lengths of an envelope to two: header, what the signature covers, seal, HPKE's info and aad.
const HEADER: [u8; 228] = [1; 228];
const SIGNED: [u8; 384] = [2; 384];
const SEAL: [u8; 1168] = [3; 1168];
const INFO: [u8; 91] = [4; 91];
const AAD: [u8; 64] = [5; 64];
const TEXT: [u8; 256] = [6; 256];

/// For two recipients: X-Wing encapsulation, HPKE's key schedule and AES-256-GCM of the content key, each twice; one
/// draw of the content key, HKDF, AES-256-GCM of the text, Ed25519 signature; SHA-256 of header, body and both seals.
pub(crate) struct SealPrimitives {
    recipients: Vec<PublicKey>,
    signer: SigningKey,
    rng: Seeded,
}

/// For one recipient: Ed25519 verification, X-Wing decapsulation, HPKE's key schedule, AES-256-GCM of the content key,
/// HKDF, AES-256-GCM of the text; SHA-256 of header, body and seal.
pub(crate) struct OpenPrimitives {
    key: PrivateKey,
    encapsulated: EncappedKey,
    sealed: Vec<u8>,
    signer: SigningKey,
    signature: Signature,
    body: (Vec<u8>, [u8; 16]),
}

impl SealPrimitives {
    pub(crate) fn new(people: &[Person], rng: &mut Seeded) -> Self {
        let recipients = people.iter().map(|person| XWing::sk_to_pk(&private_key(person))).collect();
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        Self { recipients, signer: SigningKey::from_bytes(&seed), rng: Seeded::new("primitives") }
    }

    pub(crate) fn run(&mut self) {
        let mut content_key = [0; 32];
        self.rng.fill_bytes(&mut content_key);
        for recipient in &self.recipients {
            let (encapsulated, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
                &OpModeS::Base,
                recipient,
                &INFO,
                &mut self.rng,
            )
            .expect("the key is sound");
            black_box(context.seal(&content_key, &AAD).expect("32 bytes fit"));
            black_box(encapsulated);
            black_box(Sha256::digest(SEAL));
        }
        black_box(seal_text(&content_key));
        black_box(Sha256::digest(HEADER));
        black_box(Sha256::digest(TEXT));
        black_box(self.signer.sign(&SIGNED));
    }
}

impl OpenPrimitives {
    pub(crate) fn new(people: &[Person], mut rng: Seeded) -> Self {
        let key = private_key(&people[1]);
        let (encapsulated, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &XWing::sk_to_pk(&key),
            &INFO,
            &mut rng,
        )
        .expect("the key is sound");
        let signer = SigningKey::from_bytes(&[7; 32]);
        Self {
            sealed: context.seal(&[8; 32], &AAD).expect("32 bytes fit"),
            signature: signer.sign(&SIGNED),
            body: seal_text(&[8; 32]),
            key,
            encapsulated,
            signer,
        }
    }

    pub(crate) fn run(&self) {
        let verified = self.signer.verifying_key().verify_strict(&SIGNED, &self.signature);
        verified.expect("the signature holds");
        let mut context = setup_receiver::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.key,
            &self.encapsulated,
            &INFO,
        )
        .expect("the key is sound");
        black_box(context.open(&self.sealed, &AAD).expect("the seal opens"));
        let mut body = self.body.0.clone();
        body_cipher(&[8; 32])
            .decrypt_inout_detached(
                (&[0; 12]).into(),
                &HEADER,
                body.as_mut_slice().into(),
                (&self.body.1).into(),
            )
            .expect("the body opens");
        black_box(body);
        black_box(Sha256::digest(HEADER));
        black_box(Sha256::digest(TEXT));
        black_box(Sha256::digest(SEAL));
    }
}

/// Median microseconds of each, called in turns so that both see the same machine.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) fn in_turns(turns: usize, one: &mut dyn FnMut(), other: &mut dyn FnMut()) -> (f64, f64) {
    let mut times = [Vec::new(), Vec::new()];
    let timed = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed()
    };
    for _ in 0..turns {
        times[0].push(timed(one));
        times[1].push(timed(other));
    }
    let [one, other] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    (one, other)
}

fn private_key(person: &Person) -> PrivateKey {
    PrivateKey::from_bytes(person.prekey.seed().expose_bytes()).expect("a seed is a private key")
}

fn seal_text(content_key: &[u8; 32]) -> (Vec<u8>, [u8; 16]) {
    let mut text = TEXT.to_vec();
    let tag = body_cipher(content_key)
        .encrypt_inout_detached((&[0; 12]).into(), &HEADER, text.as_mut_slice().into())
        .expect("256 bytes fit");
    (text, tag.into())
}

fn body_cipher(content_key: &[u8; 32]) -> Aes256Gcm {
    let mut key = [0; 64];
    Hkdf::<Sha256>::new(Some(&[9; 32]), content_key).expand(b"body", &mut key).expect("64 bytes are granted");
    Aes256Gcm::new_from_slice(&key[..32]).expect("a key of 32 bytes")
}

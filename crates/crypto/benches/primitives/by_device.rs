//! The primitives of what devices write.

use std::hint::black_box;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use ed25519_dalek::{Signature, Signer, SigningKey};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::AesGcm256, kdf::HkdfSha256, kem::XWing,
    setup_receiver, setup_sender_with_rng,
};
use rand_core::Rng;
use sha2::{Digest, Sha256};

use super::{EncappedKey, PrivateKey, PublicKey, SEAL, TEXT, body_cipher, seal_text};
use crate::{messages::by_device::BATCH, seeded::Seeded};

/// Lengths of an envelope by a device to one other: header, what the signature covers, HPKE's info and aad, what an
/// archived key is bound to, and what the signature of a prekey covers.
const HEADER: [u8; 260] = [1; 260];
const SIGNED: [u8; 384] = [2; 384];
const INFO: [u8; 108] = [4; 108];
const AAD: [u8; 64] = [5; 64];
const ARCHIVE_AAD: [u8; 106] = [6; 106];
const SIGNED_PREKEY: [u8; 1272] = [7; 1272];

/// X-Wing encapsulation, HPKE's key schedule and AES-256-GCM of the content key, once; one draw of the content key, HKDF,
/// AES-256-GCM of the text, Ed25519 signature; SHA-256 of header, body and seal; a nonce and AES-256-GCM for the archive.
pub(crate) struct SealPrimitives {
    recipient: PublicKey,
    signer: SigningKey,
    rng: Seeded,
}

/// Ed25519 verification; X-Wing decapsulation, HPKE's key schedule, AES-256-GCM of the content key, and a nonce and
/// AES-256-GCM for the archive; or AES-256-GCM of the archived key alone; then HKDF and AES-256-GCM of the text; SHA-256 of
/// header, body and, where there is one, seal.
pub(crate) struct OpenPrimitives {
    key: PrivateKey,
    encapsulated: EncappedKey,
    sealed: Vec<u8>,
    archived: (Vec<u8>, [u8; 16]),
    signer: SigningKey,
    signature: Signature,
    body: (Vec<u8>, [u8; 16]),
    rng: Seeded,
}

impl SealPrimitives {
    pub(crate) fn new(rng: &mut Seeded) -> Self {
        let recipient = XWing::sk_to_pk(&private_key(rng));
        Self {
            recipient,
            signer: SigningKey::from_bytes(&[7; 32]),
            rng: Seeded::new("primitives of devices"),
        }
    }

    pub(crate) fn run(&mut self) {
        let mut content_key = [0; 32];
        self.rng.fill_bytes(&mut content_key);
        let (encapsulated, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.recipient,
            &INFO,
            &mut self.rng,
        )
        .expect("the key is sound");
        black_box(context.seal(&content_key, &AAD).expect("32 bytes fit"));
        black_box(encapsulated);
        black_box(Sha256::digest(SEAL));
        black_box(seal_text(&content_key));
        black_box(Sha256::digest(HEADER));
        black_box(Sha256::digest(TEXT));
        black_box(self.signer.sign(&SIGNED));
        black_box(archive(&content_key, &mut self.rng));
    }
}

impl OpenPrimitives {
    pub(crate) fn new(mut rng: Seeded) -> Self {
        let key = private_key(&mut rng);
        let (encapsulated, mut context) = setup_sender_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &XWing::sk_to_pk(&key),
            &INFO,
            &mut rng,
        )
        .expect("the key is sound");
        let signer = SigningKey::from_bytes(&[7; 32]);
        let mut archived = vec![8; 32];
        let tag = archive_cipher()
            .encrypt_inout_detached((&[0; 12]).into(), &ARCHIVE_AAD, archived.as_mut_slice().into())
            .expect("32 bytes fit");
        Self {
            sealed: context.seal(&[8; 32], &AAD).expect("32 bytes fit"),
            archived: (archived, tag.into()),
            signature: signer.sign(&SIGNED),
            body: seal_text(&[8; 32]),
            key,
            encapsulated,
            signer,
            rng,
        }
    }

    pub(crate) fn run(&mut self) {
        self.verify();
        let mut context = setup_receiver::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.key,
            &self.encapsulated,
            &INFO,
        )
        .expect("the key is sound");
        black_box(context.open(&self.sealed, &AAD).expect("the seal opens"));
        black_box(Sha256::digest(SEAL));
        self.open_body();
        black_box(archive(&[8; 32], &mut self.rng));
    }

    pub(crate) fn run_from_archive(&self) {
        self.verify();
        let mut content_key = self.archived.0.clone();
        archive_cipher()
            .decrypt_inout_detached(
                (&[0; 12]).into(),
                &ARCHIVE_AAD,
                content_key.as_mut_slice().into(),
                (&self.archived.1).into(),
            )
            .expect("the archived key opens");
        black_box(content_key);
        self.open_body();
    }

    fn verify(&self) {
        let verified = self.signer.verifying_key().verify_strict(&SIGNED, &self.signature);
        verified.expect("the signature holds");
    }

    fn open_body(&self) {
        let mut body = self.body.0.clone();
        body_cipher(&[8; 32])
            .decrypt_inout_detached(
                (&[0; 12]).into(),
                &super::HEADER,
                body.as_mut_slice().into(),
                (&self.body.1).into(),
            )
            .expect("the body opens");
        black_box(body);
        black_box(Sha256::digest(HEADER));
        black_box(Sha256::digest(TEXT));
    }
}

/// A draw, an X-Wing key pair and an Ed25519 signature for each prekey of a batch.
pub(crate) fn make_batch(signer: &SigningKey, rng: &mut Seeded) {
    for _ in 0..BATCH {
        black_box(XWing::sk_to_pk(&private_key(rng)).to_bytes());
        black_box(signer.sign(&SIGNED_PREKEY));
    }
}

fn private_key(rng: &mut Seeded) -> PrivateKey {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    PrivateKey::from_bytes(&seed).expect("any 32 bytes are a private key")
}

fn archive(content_key: &[u8; 32], rng: &mut Seeded) -> (Vec<u8>, [u8; 16]) {
    let mut nonce = [0; 12];
    rng.fill_bytes(&mut nonce);
    let mut archived = content_key.to_vec();
    let tag = archive_cipher()
        .encrypt_inout_detached((&nonce).into(), &ARCHIVE_AAD, archived.as_mut_slice().into())
        .expect("32 bytes fit");
    (archived, tag.into())
}

fn archive_cipher() -> Aes256Gcm {
    Aes256Gcm::new_from_slice(&[9; 32]).expect("a key of 32 bytes")
}

//! HPKE as the envelope uses it, against the vectors of RFC 9180, of X-Wing's draft and of HPKE's post-quantum draft.
//!
//! No published vector has this crate's very suite (X-Wing, HKDF-SHA-256, AES-256-GCM). So RFC 9180's key schedule is
//! written down once more here, by hand, shown to be right on the published suites, and then compared with what the
//! suite of the envelope does on X-Wing's own vectors.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod key_schedule;

use std::convert::Infallible;

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::AesGcm256,
    kdf::HkdfSha256,
    kem::{X25519HkdfSha256, XWing},
    setup_receiver, single_shot_open, single_shot_seal_with_rng,
};
use key_schedule::{AES_256_GCM, HKDF_SHA256, X_WING_KEM, key_schedule};
use rand_core::{TryCryptoRng, TryRng, utils::next_word_via_fill};
use serde_json::Value;

const RFC_9180: &str = include_str!("vectors/rfc9180-x25519-aes256gcm.json");
const X_WING: &str = include_str!("vectors/x-wing.json");

const X25519_KEM: u16 = 0x0020;
const CHACHA20_POLY1305: u16 = 0x0003;

#[test]
fn rfc_9180_base_mode_with_x25519_and_aes_256_gcm() {
    let vector: Value = serde_json::from_str(RFC_9180).unwrap();
    let ids = ["mode", "kem_id", "kdf_id", "aead_id"].map(|id| vector[id].as_u64().unwrap());
    assert_eq!(ids, [0, X25519_KEM, HKDF_SHA256, AES_256_GCM].map(u64::from));

    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes(&vector, "skRm")).unwrap();
    assert_eq!(X25519HkdfSha256::sk_to_pk(&private).to_bytes().as_slice(), bytes(&vector, "pkRm"));
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&bytes(&vector, "enc")).unwrap();
    let mut receiver = setup_receiver::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        &bytes(&vector, "info"),
    )
    .unwrap();

    let encryptions = vector["encryptions"].as_array().unwrap();
    assert_eq!(encryptions.len(), 8);
    for encryption in encryptions {
        let opened = receiver.open(&bytes(encryption, "ct"), &bytes(encryption, "aad")).unwrap();
        assert_eq!(opened, bytes(encryption, "pt"));
    }
    let exports = vector["exports"].as_array().unwrap();
    assert_eq!(exports.len(), 3);
    for export in exports {
        let mut exported = vec![0; export["L"].as_u64().unwrap() as usize];
        receiver.export(&bytes(export, "exporter_context"), &mut exported).unwrap();
        assert_eq!(exported, bytes(export, "exported_value"));
    }
}

#[test]
fn rfc_9180_single_shot_seals_what_the_vector_sealed() {
    let vector: Value = serde_json::from_str(RFC_9180).unwrap();
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&bytes(&vector, "pkRm")).unwrap();
    let first = &vector["encryptions"][0];
    let (encapsulated, sealed) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        &bytes(&vector, "info"),
        &bytes(first, "pt"),
        &bytes(first, "aad"),
        &mut Exactly(bytes(&vector, "ikmE")),
    )
    .unwrap();
    assert_eq!(encapsulated.to_bytes().as_slice(), bytes(&vector, "enc"));
    assert_eq!(sealed, bytes(first, "ct"));
}

#[test]
fn the_key_schedule_by_hand_is_rfc_9180s() {
    let rfc: Value = serde_json::from_str(RFC_9180).unwrap();
    let x_wing: Value = serde_json::from_str(X_WING).unwrap();
    for (vector, kem, aead) in
        [(&rfc, X25519_KEM, AES_256_GCM), (&x_wing["hpke"], X_WING_KEM, CHACHA20_POLY1305)]
    {
        let (key, nonce) = key_schedule(kem, aead, &bytes(vector, "shared_secret"), &bytes(vector, "info"));
        assert_eq!((key.to_vec(), nonce.to_vec()), (bytes(vector, "key"), bytes(vector, "base_nonce")));
    }
}

/// Draft-connolly-cfrg-xwing-kem: from the private key its public key; from the prescribed randomness the prescribed
/// ciphertext; and a seal that is AES-256-GCM under the key that follows from the prescribed shared secret.
#[test]
fn x_wing_vectors_through_the_suite_of_the_envelope() {
    let file: Value = serde_json::from_str(X_WING).unwrap();
    let vectors = file["kem"].as_array().unwrap();
    assert_eq!(vectors.len(), 3);
    for vector in vectors {
        let private = <XWing as Kem>::PrivateKey::from_bytes(&bytes(vector, "sk")).unwrap();
        let public = XWing::sk_to_pk(&private);
        assert_eq!(public.to_bytes().as_slice(), bytes(vector, "pk"));

        let (encapsulated, sealed) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
            &OpModeS::Base,
            &public,
            b"info",
            b"content key",
            b"aad",
            &mut Exactly(bytes(vector, "eseed")),
        )
        .unwrap();
        assert_eq!(encapsulated.to_bytes().as_slice(), bytes(vector, "ct"));

        let (key, nonce) = key_schedule(X_WING_KEM, AES_256_GCM, &bytes(vector, "ss"), b"info");
        let mut by_hand = b"content key".to_vec();
        let tag = Aes256Gcm::new(&key.into())
            .encrypt_inout_detached((&nonce).into(), b"aad", by_hand.as_mut_slice().into())
            .unwrap();
        by_hand.extend_from_slice(&tag);
        assert_eq!(sealed, by_hand);

        let opened = single_shot_open::<AesGcm256, HkdfSha256, XWing>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            b"info",
            &by_hand,
            b"aad",
        );
        assert_eq!(opened.unwrap(), b"content key");
    }
}

/// Draft-ietf-hpke-pq: the same KEM, keyed and encapsulated as HPKE prescribes.
#[test]
fn x_wing_in_hpke_encapsulates_as_its_draft_says() {
    let file: Value = serde_json::from_str(X_WING).unwrap();
    let vector = &file["hpke"];
    let private = <XWing as Kem>::PrivateKey::from_bytes(&bytes(vector, "skRm")).unwrap();
    let public = XWing::sk_to_pk(&private);
    assert_eq!(public.to_bytes().as_slice(), bytes(vector, "pkRm"));
    let (encapsulated, _) = single_shot_seal_with_rng::<AesGcm256, HkdfSha256, XWing>(
        &OpModeS::Base,
        &public,
        b"",
        b"",
        b"",
        &mut Exactly(bytes(vector, "ikmE")),
    )
    .unwrap();
    assert_eq!(encapsulated.to_bytes().as_slice(), bytes(vector, "enc"));
}

fn bytes(of: &Value, field: &str) -> Vec<u8> {
    let text = of[field].as_str().unwrap_or_else(|| panic!("the vector has {field}"));
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Randomness that is exactly these bytes, as a vector prescribes it.
struct Exactly(Vec<u8>);

impl TryRng for Exactly {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        next_word_via_fill(self)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        next_word_via_fill(self)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0.drain(..out.len()).collect::<Vec<u8>>());
        Ok(())
    }
}

impl TryCryptoRng for Exactly {}

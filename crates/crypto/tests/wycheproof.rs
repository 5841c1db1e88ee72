//! Project Wycheproof's vectors over the primitives as this crate calls them: the same crates, features and functions.
//! Each set says how many of its vectors must have run, so that a set that vanished or a filter that drifted fails.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use crypto::{
    id::{AccountId, PrekeyId},
    identity::IdentityPublic,
    prekey::{PrekeySecret, PrekeySeed, SignedPrekey},
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hkdf::Hkdf;
use hpke::{Deserializable, Kem, kem::XWing};
use ml_kem::{KeyExport, TryKeyInit, kem::Decapsulate, ml_kem_768};
use sha2::Sha256;
use wycheproof::{TestResult, aead, eddsa, hkdf as hkdf_set, mlkem, pbkdf2 as pbkdf2_set, xdh};
use x25519_dalek::{PublicKey, StaticSecret};

/// How the vectors of a set came out, by what Wycheproof says of them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran {
    valid: usize,
    invalid: usize,
    acceptable: usize,
}

impl Ran {
    fn count(&mut self, expected: TestResult) {
        match expected {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => self.acceptable += 1,
        }
    }
}

#[test]
fn aes_256_gcm() {
    let mut ran = Ran::default();
    for group in aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        // Other lengths of key, nonce and tag do not fit into this crate's types.
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            continue;
        }
        for test in group.tests {
            let cipher = Aes256Gcm::new_from_slice(&test.key).unwrap();
            let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
            let tag: [u8; 16] = test.tag.as_slice().try_into().unwrap();

            let mut text = test.ct.to_vec();
            let opened = cipher.decrypt_inout_detached(
                (&nonce).into(),
                &test.aad,
                text.as_mut_slice().into(),
                (&tag).into(),
            );
            assert_eq!(opened.is_ok(), test.result == TestResult::Valid, "vector {}", test.tc_id);

            if opened.is_ok() {
                assert_eq!(text, *test.pt, "vector {}", test.tc_id);
                let made = cipher
                    .encrypt_inout_detached((&nonce).into(), &test.aad, text.as_mut_slice().into())
                    .unwrap();
                assert_eq!(
                    (text, made.as_slice()),
                    (test.ct.to_vec(), tag.as_slice()),
                    "vector {}",
                    test.tc_id
                );
            }
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 39, invalid: 27, acceptable: 0 });
}

#[test]
fn hkdf_sha_256() {
    let mut ran = Ran::default();
    for group in hkdf_set::TestSet::load(hkdf_set::TestName::HkdfSha256).unwrap().test_groups {
        for test in group.tests {
            let mut out = vec![0; test.size];
            let granted = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut out);
            assert_eq!(granted.is_ok(), test.result == TestResult::Valid, "vector {}", test.tc_id);
            if granted.is_ok() {
                assert_eq!(out, *test.okm, "vector {}", test.tc_id);
            }
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 83, invalid: 3, acceptable: 0 });
}

#[test]
fn pbkdf2_hmac_sha_256() {
    let mut ran = Ran::default();
    for group in pbkdf2_set::TestSet::load(pbkdf2_set::TestName::Pbkdf2HmacSha256).unwrap().test_groups {
        for test in group.tests {
            let mut out = vec![0; test.dk_len];
            let iterations = test.iteration_count.try_into().unwrap();
            pbkdf2::pbkdf2_hmac::<Sha256>(&test.password, &test.salt, iterations, &mut out);
            assert_eq!(out, *test.dk, "vector {}", test.tc_id);
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 60, invalid: 0, acceptable: 0 });
}

/// `verify_strict` agrees with Wycheproof on every vector: none of its valid signatures needs the laxer `verify`. What
/// strictness refuses beyond them (keys and nonces of small order) is in [`small_order_is_refused`].
#[test]
fn ed25519_strict() {
    let mut ran = Ran::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let bytes: [u8; 32] = group.key.pk.as_slice().try_into().unwrap();
        let key = VerifyingKey::from_bytes(&bytes).unwrap();
        assert!(IdentityPublic::parse(&bytes).is_ok(), "Wycheproof's keys are all sound identities");
        for test in group.tests {
            // A signature of another length does not fit into this crate's formats.
            let holds = <[u8; 64]>::try_from(test.sig.as_slice())
                .is_ok_and(|sig| key.verify_strict(&test.msg, &Signature::from_bytes(&sig)).is_ok());
            assert_eq!(holds, test.result == TestResult::Valid, "vector {}", test.tc_id);
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 88, invalid: 63, acceptable: 0 });
}

/// Under the neutral point as key, R = neutral point and s = 0 "sign" every message for lax verifiers.
#[test]
fn small_order_is_refused() {
    let neutral: [u8; 32] = core::array::from_fn(|index| u8::from(index == 0));
    let mut everything = [0; 64];
    everything[..32].copy_from_slice(&neutral);
    let signature = Signature::from_bytes(&everything);
    let key = VerifyingKey::from_bytes(&neutral).unwrap();
    assert!(ed25519_dalek::Verifier::verify(&key, b"anything", &signature).is_ok());
    assert!(key.verify_strict(b"anything", &signature).is_err());
    assert!(IdentityPublic::parse(&neutral).is_err());
}

/// All shared secrets come out as listed, the acceptable ones too; `was_contributory` is false for exactly those that
/// are zero. A signed prekey with such a point is refused, one with any other point of the set is not.
#[test]
fn x25519() {
    let (mut ran, mut zero) = (Ran::default(), 0);
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for test in group.tests {
            let public: [u8; 32] = test.public_key.as_slice().try_into().unwrap();
            let private: [u8; 32] = test.private_key.as_slice().try_into().unwrap();
            let shared = StaticSecret::from(private).diffie_hellman(&PublicKey::from(public));
            assert_eq!(shared.as_bytes(), test.shared_secret.as_slice(), "vector {}", test.tc_id);

            let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
            assert_eq!(shared.was_contributory(), !is_zero, "vector {}", test.tc_id);
            assert_eq!(prekey_with_point_verifies(&public), !is_zero, "vector {}", test.tc_id);
            zero += usize::from(is_zero);
            ran.count(test.result);
        }
    }
    assert_eq!((ran, zero), (Ran { valid: 264, invalid: 0, acceptable: 254 }, 31));
}

/// A prekey whose owner rightly signed it, with this X25519 half.
fn prekey_with_point_verifies(point: &[u8; 32]) -> bool {
    use std::sync::LazyLock;
    static SOUND: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let owner =
            crypto::identity::IdentityKey::from_seed(&crypto::identity::IdentitySeed::from_bytes(&[1; 32]));
        let secret = PrekeySecret::from_seed(PrekeyId(1), 1, &PrekeySeed::from_bytes(&[2; 32]));
        secret.sign(AccountId::from_bytes([3; 16]), &owner).to_bytes().to_vec()
    });
    let owner = SigningKey::from_bytes(&[1; 32]);
    let account = AccountId::from_bytes([3; 16]);
    let mut bytes = SOUND[..SOUND.len() - 64].to_vec();
    let end = bytes.len();
    bytes[end - 32..].copy_from_slice(point);
    let signed = [b"secure-messaging/1 prekey\0".as_slice(), &account.to_bytes(), &bytes].concat();
    bytes.extend_from_slice(&owner.sign(&signed).to_bytes());
    let owner = IdentityPublic::parse(owner.verifying_key().as_bytes()).unwrap();
    SignedPrekey::parse(&bytes).unwrap().verify(account, &owner).is_ok()
}

/// Key generation from a seed and decapsulation, implicit rejection included.
#[test]
fn ml_kem_768_decapsulation() {
    let mut ran = Ran::default();
    for group in mlkem::TestSet::load(mlkem::TestName::MlKem768).unwrap().test_groups {
        for test in group.tests {
            let seed = <[u8; 64]>::try_from(test.seed.as_ref().unwrap().as_slice());
            let ciphertext = <[u8; 1088]>::try_from(test.ct.as_ref().unwrap().as_slice());
            // Wrong lengths are what makes this set's vectors invalid: they do not fit into the types.
            let (Ok(seed), Ok(ciphertext)) = (seed, ciphertext) else {
                assert_eq!(test.result, TestResult::Invalid, "vector {}", test.tc_id);
                ran.count(test.result);
                continue;
            };
            let key = ml_kem_768::DecapsulationKey::from_seed(seed.into());
            let public = key.encapsulation_key().to_bytes();
            assert_eq!(
                public.as_slice(),
                test.encaps_key.as_ref().unwrap().as_slice(),
                "vector {}",
                test.tc_id
            );
            let shared = key.decapsulate(&ciphertext.into());
            assert_eq!(
                shared.as_slice(),
                test.shared_secret.as_ref().unwrap().as_slice(),
                "vector {}",
                test.tc_id
            );
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 161, invalid: 40, acceptable: 0 });
}

/// Encapsulation, and the check of FIPS 203 section 7.2 on public keys: also through X-Wing's parser, as prekeys take it.
#[test]
fn ml_kem_768_encapsulation() {
    let mut ran = Ran::default();
    for group in mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap().test_groups {
        for test in group.tests {
            let bytes = test.encaps_key.as_ref().unwrap();
            let key = ml_kem_768::EncapsulationKey::new_from_slice(bytes);
            assert_eq!(key.is_ok(), test.result == TestResult::Valid, "vector {}", test.tc_id);

            let as_prekey = [bytes.as_slice(), &[9; 32]].concat();
            let prekey = <XWing as Kem>::PublicKey::from_bytes(&as_prekey);
            assert_eq!(prekey.is_ok(), test.result == TestResult::Valid, "vector {}", test.tc_id);

            if let Ok(key) = key {
                let message: [u8; 32] = test.msg.as_ref().unwrap().as_slice().try_into().unwrap();
                let (ciphertext, shared) = key.encapsulate_deterministic(&message.into());
                assert_eq!(ciphertext.as_slice(), test.ct.as_ref().unwrap().as_slice());
                assert_eq!(shared.as_slice(), test.shared_secret.as_ref().unwrap().as_slice());
            }
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 133, invalid: 132, acceptable: 0 });
}

/// Wycheproof's fourth ML-KEM set holds expanded private keys. This crate keeps seeds only, so it has nothing to test.
#[test]
fn ml_kem_768_key_generation() {
    let mut ran = Ran::default();
    for group in mlkem::TestSet::load(mlkem::TestName::MlKem768KeyGenSeed).unwrap().test_groups {
        for test in group.tests {
            let seed: [u8; 64] = test.seed.as_ref().unwrap().as_slice().try_into().unwrap();
            let key = ml_kem_768::DecapsulationKey::from_seed(seed.into());
            let public = key.encapsulation_key().to_bytes();
            assert_eq!(
                public.as_slice(),
                test.encaps_key.as_ref().unwrap().as_slice(),
                "vector {}",
                test.tc_id
            );
            ran.count(test.result);
        }
    }
    assert_eq!(ran, Ran { valid: 100, invalid: 0, acceptable: 0 });
}

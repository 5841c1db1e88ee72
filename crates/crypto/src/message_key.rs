//! The lowest layer: X25519, HKDF-SHA-256 and AES-256-GCM between two key pairs, with an HMAC key as commitment.
//!
//! It stands alone, for whoever wants two keys to talk without accounts or envelopes; [`crate::envelope`] is what
//! messages use.
//!
//! ```
//! use crypto::message_key::{decrypt_message, derive_message_key, encrypt_message, generate_user_secrets};
//! # let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
//!
//! // Generate key pairs for Alice and Bob.
//! let (alice_secrets, alice_public) = generate_user_secrets(&mut rng);
//! let (bob_secrets, bob_public) = generate_user_secrets(&mut rng);
//!
//! // Each derives the same keys from the own private and the other's public key.
//! let (aes_key, hmac_key) = derive_message_key(&alice_secrets, &bob_public)?;
//! let encrypted = encrypt_message(&aes_key, b"Hello Bob!", &hmac_key, &mut rng);
//!
//! let (aes_key, hmac_key) = derive_message_key(&bob_secrets, &alice_public)?;
//! let plaintext = decrypt_message(&aes_key, &encrypted, &hmac_key)?;
//! assert_eq!(plaintext.as_slice(), b"Hello Bob!");
//! # Ok::<(), crypto::CannotOpen>(())
//! ```

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{
    CannotOpen, aead,
    hash::derive,
    secret::{Secret, secret_type},
};

const COMMITMENT_BYTES: usize = 32;

/// A person's private X25519 key.
#[derive(Clone)]
pub struct UserSecrets(StaticSecret);

impl fmt::Debug for UserSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSecrets(..)")
    }
}

/// A person's public X25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserPublic(PublicKey);

secret_type!(
    /// Encrypts the message.
    AesKey,
    32
);
secret_type!(
    /// Commits to the AES key: AES-GCM alone lets one ciphertext open under two keys.
    HmacKey,
    32
);

/// A new X25519 key pair.
pub fn generate_user_secrets(rng: &mut impl CryptoRng) -> (UserSecrets, UserPublic) {
    let seed = Secret::<32>::random(rng);
    let secret = StaticSecret::from(*seed.expose());
    let public = PublicKey::from(&secret);
    (UserSecrets(secret), UserPublic(public))
}

/// The keys that two people share: the same from either side.
///
/// # Errors
/// [`CannotOpen`] when the other's key is of small order and the "secret" would be known to everyone.
pub fn derive_message_key(mine: &UserSecrets, theirs: &UserPublic) -> Result<(AesKey, HmacKey), CannotOpen> {
    let shared = mine.0.diffie_hellman(&theirs.0);
    if !shared.was_contributory() {
        return Err(CannotOpen);
    }
    let mut ends = [PublicKey::from(&mine.0).to_bytes(), theirs.0.to_bytes()];
    ends.sort_unstable();
    let salt = ends.concat();
    Ok((
        AesKey(derive(shared.as_bytes(), &salt, b"secure-messaging/1 message aes")),
        HmacKey(derive(shared.as_bytes(), &salt, b"secure-messaging/1 message hmac")),
    ))
}

/// `commitment (32) || nonce (12) || ciphertext || tag (16)`.
pub fn encrypt_message(aes: &AesKey, plaintext: &[u8], hmac: &HmacKey, rng: &mut impl CryptoRng) -> Vec<u8> {
    let sealed = aead::seal(aes.expose_bytes(), &[], plaintext, rng);
    let mut encrypted = commitment(aes, hmac, &sealed).finalize().into_bytes().to_vec();
    encrypted.extend_from_slice(&sealed);
    encrypted
}

/// Opens what [`encrypt_message`] made.
///
/// # Errors
/// [`CannotOpen`]: another key, or changed bytes.
pub fn decrypt_message(
    aes: &AesKey,
    encrypted: &[u8],
    hmac: &HmacKey,
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (tag, sealed) = encrypted.split_first_chunk::<COMMITMENT_BYTES>().ok_or(CannotOpen)?;
    commitment(aes, hmac, sealed).verify(tag.into()).map_err(|_| CannotOpen)?;
    aead::open(aes.expose_bytes(), &[], sealed)
}

fn commitment(aes: &AesKey, hmac: &HmacKey, sealed: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(hmac.expose_bytes())
        .expect("HMAC takes a key of any length (RFC 2104)")
        .chain_update(aes.expose_bytes())
        .chain_update(sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_key_of_small_order_shares_no_secret() {
        let (mine, _) = generate_user_secrets(&mut rand_core::UnwrapErr(getrandom::SysRng));
        assert_eq!(derive_message_key(&mine, &UserPublic(PublicKey::from([0; 32]))), Err(CannotOpen));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (aes, hmac) = (AesKey::from_bytes(&[1; 32]), HmacKey::from_bytes(&[2; 32]));
        let encrypted = encrypt_message(&aes, b"text", &hmac, &mut rand_core::UnwrapErr(getrandom::SysRng));
        for index in 0..encrypted.len() {
            let mut changed = encrypted.clone();
            changed[index] ^= 1;
            assert!(decrypt_message(&aes, &changed, &hmac).is_err());
        }
    }
}

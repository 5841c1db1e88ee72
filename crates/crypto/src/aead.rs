//! AES-256-GCM with a random nonce in front, for everything that is sealed more than once under one key.

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::CannotOpen;

pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// `nonce || ciphertext || tag`. Random 96-bit nonces keep their bound for 2^32 sealings under one key
/// (NIST SP 800-38D, section 8.3); a vault or a cache stays far below it.
pub(crate) fn seal(key: &[u8; 32], aad: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(NONCE_BYTES + plaintext.len() + TAG_BYTES);
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached((&nonce).into(), aad, (&mut sealed[NONCE_BYTES..]).into())
        .expect("what a device seals is far below AES-GCM's 64 GiB");
    sealed.extend_from_slice(&tag);
    sealed
}

/// Opens what [`seal`] made.
pub(crate) fn open(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(CannotOpen)?;
    open_with_nonce(key, nonce, aad, ciphertext)
}

/// `ciphertext || tag` under a key that seals this one text only, so that the nonce may be fixed.
pub(crate) fn seal_once(key: &[u8; 32], aad: &[u8], mut plaintext: Vec<u8>) -> Vec<u8> {
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached((&[0; NONCE_BYTES]).into(), aad, plaintext.as_mut_slice().into())
        .expect("what a device seals is far below AES-GCM's 64 GiB");
    plaintext.extend_from_slice(&tag);
    plaintext
}

/// Opens what [`seal_once`] made.
pub(crate) fn open_once(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    open_with_nonce(key, &[0; NONCE_BYTES], aad, sealed)
}

fn open_with_nonce(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    aad: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (text, tag) = ciphertext.split_last_chunk::<TAG_BYTES>().ok_or(CannotOpen)?;
    let mut plaintext = Zeroizing::new(text.to_vec());
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(nonce.into(), aad, plaintext.as_mut_slice().into(), tag.into())
        .map_err(|_| CannotOpen)?;
    Ok(plaintext)
}

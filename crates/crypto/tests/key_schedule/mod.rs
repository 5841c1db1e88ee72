//! HPKE's key schedule, by hand: it shows what the library does, and makes seals that no honest sender makes.

use hkdf::Hkdf;
use sha2::Sha256;

pub(crate) const X_WING_KEM: u16 = 0x647a;
pub(crate) const HKDF_SHA256: u16 = 0x0001;
pub(crate) const AES_256_GCM: u16 = 0x0002;

/// RFC 9180 section 5.1 for the base mode: the AEAD key and the nonce of the first message.
pub(crate) fn key_schedule(kem: u16, aead: u16, shared_secret: &[u8], info: &[u8]) -> ([u8; 32], [u8; 12]) {
    let suite =
        [b"HPKE".as_slice(), &kem.to_be_bytes(), &HKDF_SHA256.to_be_bytes(), &aead.to_be_bytes()].concat();
    let labeled_extract = |salt: &[u8], label: &[u8], ikm: &[u8]| {
        Hkdf::<Sha256>::extract(Some(salt), &[b"HPKE-v1", suite.as_slice(), label, ikm].concat())
    };
    let psk_id_hash = labeled_extract(b"", b"psk_id_hash", b"").0;
    let info_hash = labeled_extract(b"", b"info_hash", info).0;
    let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
    let secret = labeled_extract(shared_secret, b"secret", b"").1;

    let labeled_expand = |label: &[u8], out: &mut [u8]| {
        let length = (out.len() as u16).to_be_bytes();
        let info = [length.as_slice(), b"HPKE-v1", &suite, label, &context].concat();
        secret.expand(&info, out).expect("a few bytes are always granted");
    };
    let (mut key, mut nonce) = ([0; 32], [0; 12]);
    labeled_expand(b"key", &mut key);
    labeled_expand(b"base_nonce", &mut nonce);
    (key, nonce)
}

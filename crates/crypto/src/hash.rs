//! SHA-256 and HKDF-SHA-256 as this crate uses them: over parts, into arrays.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};

use crate::secret::Secret;

/// SHA-256 of the parts, one after the other. Parts of varying length need their length inside.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// HKDF-SHA-256 (RFC 5869), extract and expand into one secret of `N` bytes.
pub(crate) fn derive<const N: usize>(ikm: &[u8], salt: &[u8], info: &[u8]) -> Secret<N> {
    Secret::filled_by(|out| {
        Hkdf::<Sha256>::new(Some(salt), ikm)
            .expand(info, out)
            .expect("an output of at most 255 hashes is always granted (RFC 5869 section 2.3)");
    })
}

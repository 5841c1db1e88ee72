//! An account's data as one sealed file, which opens with a passphrase and with nothing else.
//!
//! ```text
//! "SMEXPORT" (8) || version (1) = 1 || KDF parameters (21) || nonce (12) || ciphertext || tag (16)
//! ```
//!
//! The key is made from the passphrase like an account's keys from its password; everything before the nonce is bound.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    CannotOpen, aead,
    hash::derive,
    kdf::{KdfParams, StretchedPassword},
    secret::Secret,
    text::Malformed,
};

const MAGIC: &[u8; 8] = b"SMEXPORT";
const VERSION: u8 = 1;
const KDF_BYTES: usize = 21;
const HEAD_BYTES: usize = MAGIC.len() + 1 + KDF_BYTES;

/// Seals `content` under a passphrase that was stretched with `kdf`.
pub fn seal(
    kdf: &KdfParams,
    passphrase: &StretchedPassword,
    content: &[u8],
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let head = [MAGIC.as_slice(), &[VERSION], &kdf.to_bytes()].concat();
    let sealed = aead::seal(key(passphrase).expose(), &head, content, rng);
    [head, sealed].concat()
}

/// How the passphrase of a file is stretched.
///
/// # Errors
/// The bytes are no export, or one of another version.
pub fn kdf_of(file: &[u8]) -> Result<KdfParams, Malformed> {
    let rest = file.strip_prefix(MAGIC).ok_or(Malformed("is not an export of Secure Messaging"))?;
    let (version, rest) = rest.split_first().ok_or(Malformed("is cut off"))?;
    if *version != VERSION {
        return Err(Malformed("is an export of another version"));
    }
    KdfParams::parse(rest.get(..KDF_BYTES).ok_or(Malformed("is cut off"))?)
}

/// Opens a file.
///
/// # Errors
/// [`CannotOpen`]: another passphrase, or changed bytes.
pub fn open(file: &[u8], passphrase: &StretchedPassword) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    kdf_of(file).map_err(|_| CannotOpen)?;
    let (head, sealed) = file.split_at_checked(HEAD_BYTES).ok_or(CannotOpen)?;
    aead::open(key(passphrase).expose(), head, sealed)
}

fn key(passphrase: &StretchedPassword) -> Secret<32> {
    derive(passphrase.expose_bytes(), b"", b"secure-messaging/1 export")
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn an_export_opens_with_its_passphrase_and_every_byte_of_it_counts() {
        let kdf = KdfParams::with_salt([3; 16]);
        let [right, wrong] = [1, 2].map(|byte| StretchedPassword::from_bytes(&[byte; 32]));
        let file = seal(&kdf, &right, b"everything", &mut UnwrapErr(getrandom::SysRng));
        assert_eq!(kdf_of(&file).unwrap(), kdf);
        assert_eq!(open(&file, &right).unwrap().as_slice(), b"everything");
        assert_eq!(open(&file, &wrong), Err(CannotOpen));
        for place in 0..file.len() {
            let mut changed = file.clone();
            changed[place] ^= 1;
            assert_eq!(open(&changed, &right), Err(CannotOpen), "byte {place}");
        }
        for length in 0..file.len() {
            assert_eq!(open(&file[..length], &right), Err(CannotOpen), "cut to {length}");
        }
    }
}

//! What a program keeps of a session between two commands, sealed under a key of its machine.
//!
//! The key is random. A machine holds it where other programs' files do not reach (a kernel's keyring), and beside its files
//! it stands wrapped by the password. What must not outlive the session is sealed under the key [bound](LocalKey::bound_to)
//! to the half that the server gives to the session, and that dies with it.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    CannotOpen, aead,
    hash::derive,
    id::{AccountId, SessionId},
    kdf::{KdfParams, StretchedPassword},
    secret::{Secret, secret_type},
};

secret_type!(
    /// Seals what a program keeps of its session on this machine.
    LocalKey,
    32
);

impl LocalKey {
    /// A new key, for a new session.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// `nonce (12) || ciphertext || tag (16)`; what it is, its `place`, is bound.
    pub fn seal(&self, place: &[u8], plaintext: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        aead::seal(self.expose_bytes(), place, plaintext, rng)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another key, another place, or changed bytes.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        aead::open(self.expose_bytes(), place, sealed)
    }

    /// The key of what must not be opened once the session has ended: it takes the server's half for this session.
    #[must_use]
    pub fn bound_to(&self, half: &[u8], account: AccountId, session: SessionId) -> Self {
        let info =
            [b"secure-messaging/1 unlock".as_slice(), &account.to_bytes(), &session.to_bytes()].concat();
        Self(derive(self.expose_bytes(), half, &info))
    }

    /// Seals the key under a password that was stretched with `kdf`.
    pub fn wrap(&self, kdf: &KdfParams, password: &StretchedPassword, rng: &mut impl CryptoRng) -> Vec<u8> {
        aead::seal(wrapping(password).expose(), &kdf.to_bytes(), self.expose_bytes(), rng)
    }

    /// Opens what [`Self::wrap`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another password or parameters, or changed bytes.
    pub fn unwrap(kdf: &KdfParams, password: &StretchedPassword, wrapped: &[u8]) -> Result<Self, CannotOpen> {
        let bytes = aead::open(wrapping(password).expose(), &kdf.to_bytes(), wrapped)?;
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| CannotOpen)?;
        Ok(Self::from_bytes(bytes))
    }
}

fn wrapping(password: &StretchedPassword) -> Secret<32> {
    derive(password.expose_bytes(), b"", b"secure-messaging/1 local key")
}

#[cfg(test)]
mod tests {
    use rand_core::UnwrapErr;

    use super::*;

    #[test]
    fn what_is_kept_opens_at_its_place_within_its_session_and_with_its_password_only() {
        let rng = &mut UnwrapErr(getrandom::SysRng);
        let key = LocalKey::generate(rng);
        let sealed = key.seal(b"token", b"secret", rng);
        assert_eq!(key.open(b"token", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(key.open(b"other", &sealed), Err(CannotOpen));
        assert_eq!(LocalKey::generate(rng).open(b"token", &sealed), Err(CannotOpen));

        let account = AccountId::from_bytes([1; 16]);
        let [one, two] = [1, 2].map(|number| SessionId::from_bytes([number; 16]));
        let bound = key.bound_to(&[7; 32], account, one);
        assert_eq!(bound, key.bound_to(&[7; 32], account, one));
        for other in [key.bound_to(&[8; 32], account, one), key.bound_to(&[7; 32], account, two), key.clone()]
        {
            assert_ne!(bound, other);
        }

        let kdf = KdfParams::with_salt([3; 16]);
        let [right, wrong] = [1, 2].map(|byte| StretchedPassword::from_bytes(&[byte; 32]));
        let wrapped = key.wrap(&kdf, &right, rng);
        assert_eq!(LocalKey::unwrap(&kdf, &right, &wrapped), Ok(key));
        assert_eq!(LocalKey::unwrap(&kdf, &wrong, &wrapped), Err(CannotOpen));
        assert_eq!(LocalKey::unwrap(&KdfParams::with_salt([4; 16]), &right, &wrapped), Err(CannotOpen));
        for place in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[place] ^= 1;
            assert_eq!(LocalKey::unwrap(&kdf, &right, &changed), Err(CannotOpen), "byte {place}");
        }
    }
}

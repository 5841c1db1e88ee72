//! The password's split: PBKDF2-HMAC-SHA-256 (RFC 8018), then HKDF into what the server may see and what it may not.
//!
//! ```text
//! password --PBKDF2--> stretched --HKDF "auth"--> AuthKey  (sent at login, kept by the server as a bcrypt hash)
//!                                --HKDF "wrap"--> WrapKey  (opens the account key; never leaves the device)
//! ```

use core::fmt;

use rand_core::CryptoRng;
use sha2::Sha256;

use crate::{
    hash::derive,
    secret::{Secret, secret_type},
    text::{Malformed, as_base64url},
};

/// Fewest iterations a device accepts, whatever a server says (OWASP's figure for PBKDF2-HMAC-SHA-256).
pub const MIN_ITERATIONS: u32 = 600_000;
/// Most iterations a device accepts: above, a hostile server could keep it busy for minutes.
pub const MAX_ITERATIONS: u32 = 5_000_000;
/// Length of the salt, in bytes.
pub const SALT_BYTES: usize = 16;

const PBKDF2_HMAC_SHA256: u8 = 1;

/// How one account's password is stretched. As bytes: `algorithm (1) || iterations (u32) || salt (16)`, big-endian.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KdfParams {
    iterations: u32,
    salt: [u8; SALT_BYTES],
}

impl KdfParams {
    /// Today's parameters with a new salt.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut salt = [0; SALT_BYTES];
        rng.fill_bytes(&mut salt);
        Self::with_salt(salt)
    }

    /// Today's parameters with a given salt, for a server that must answer for names it does not know.
    pub fn with_salt(salt: [u8; SALT_BYTES]) -> Self {
        Self { iterations: MIN_ITERATIONS, salt }
    }

    /// PBKDF2's iteration count, between [`MIN_ITERATIONS`] and [`MAX_ITERATIONS`].
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The salt.
    pub fn salt(&self) -> &[u8; SALT_BYTES] {
        &self.salt
    }

    /// The canonical bytes: sent, and bound to the account key's wrap.
    pub fn to_bytes(&self) -> [u8; 1 + 4 + SALT_BYTES] {
        let mut bytes = [0; 1 + 4 + SALT_BYTES];
        bytes[0] = PBKDF2_HMAC_SHA256;
        bytes[1..5].copy_from_slice(&self.iterations.to_be_bytes());
        bytes[5..].copy_from_slice(&self.salt);
        bytes
    }

    /// Reads the canonical bytes, and refuses what a device must never compute with.
    ///
    /// # Errors
    /// An unknown algorithm, too few or too many iterations, another length.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; 1 + 4 + SALT_BYTES] =
            bytes.try_into().map_err(|_| Malformed("has the wrong length"))?;
        let [algorithm, a, b, c, d, salt @ ..] = *bytes;
        if algorithm != PBKDF2_HMAC_SHA256 {
            return Err(Malformed("names a key derivation that this version does not know"));
        }
        let iterations = u32::from_be_bytes([a, b, c, d]);
        if iterations < MIN_ITERATIONS {
            return Err(Malformed("asks for fewer iterations than is safe"));
        }
        if iterations > MAX_ITERATIONS {
            return Err(Malformed("asks for more iterations than is reasonable"));
        }
        Ok(Self { iterations, salt })
    }

    /// Stretches the password in pure Rust (half a second in a browser: there, WebCrypto's PBKDF2 gives the same bytes
    /// to [`StretchedPassword::from_bytes`] in a quarter of the time). The password is taken as it was typed.
    pub fn stretch(&self, password: &str) -> StretchedPassword {
        StretchedPassword(Secret::filled_by(|out| {
            pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &self.salt, self.iterations, out);
        }))
    }
}

impl fmt::Debug for KdfParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "KdfParams {{ iterations: {}, salt: {} }}",
            self.iterations,
            crate::text::encode(&self.salt)
        )
    }
}

as_base64url!(KdfParams);

secret_type!(
    /// PBKDF2's output: worth as much as the password.
    StretchedPassword,
    32
);
secret_type!(
    /// What proves to the server that the password is known. The server keeps only its bcrypt hash.
    AuthKey,
    32
);
secret_type!(
    /// What opens the account key. Never leaves the device.
    WrapKey,
    32
);

impl StretchedPassword {
    /// The half that the server sees.
    pub fn auth_key(&self) -> AuthKey {
        AuthKey(derive(self.0.expose(), b"", b"secure-messaging/1 auth"))
    }

    /// The half that stays on the device.
    pub fn wrap_key(&self) -> WrapKey {
        WrapKey(derive(self.0.expose(), b"", b"secure-messaging/1 wrap"))
    }
}

impl AuthKey {
    fn to_bytes(&self) -> &[u8; 32] {
        self.expose_bytes()
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        bytes.try_into().map(Self::from_bytes).map_err(|_| Malformed("has the wrong length"))
    }
}

mod auth_key_text {
    //! The auth key travels inside the login request, so it has serde; it has no Display.
    use super::AuthKey;

    impl serde::Serialize for AuthKey {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let text = zeroize::Zeroizing::new(crate::text::encode(self.to_bytes()));
            serializer.serialize_str(&text)
        }
    }

    impl<'de> serde::Deserialize<'de> for AuthKey {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = zeroize::Zeroizing::new(<String as serde::Deserialize>::deserialize(deserializer)?);
            let bytes = crate::text::decode(&text).map(zeroize::Zeroizing::new);
            bytes
                .and_then(|bytes| Self::parse(&bytes))
                .map_err(|error| serde::de::Error::custom(format_args!("AuthKey {error}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_below_the_floor_and_above_the_cap_are_refused() {
        let mut bytes = KdfParams::with_salt([7; SALT_BYTES]).to_bytes();
        assert_eq!(KdfParams::parse(&bytes).unwrap().to_bytes(), bytes);

        bytes[1..5].copy_from_slice(&(MIN_ITERATIONS - 1).to_be_bytes());
        assert!(KdfParams::parse(&bytes).is_err());
        bytes[1..5].copy_from_slice(&(MAX_ITERATIONS + 1).to_be_bytes());
        assert!(KdfParams::parse(&bytes).is_err());
        bytes[1..5].copy_from_slice(&MAX_ITERATIONS.to_be_bytes());
        assert!(KdfParams::parse(&bytes).is_ok());
        bytes[0] = 2;
        assert!(KdfParams::parse(&bytes).is_err());
    }

    #[test]
    fn the_two_halves_of_a_password_tell_nothing_of_each_other() {
        let stretched = StretchedPassword::from_bytes(&[1; 32]);
        assert_ne!(stretched.auth_key().expose_bytes(), stretched.wrap_key().expose_bytes());
    }
}

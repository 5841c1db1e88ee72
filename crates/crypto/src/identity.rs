//! The identity key (IK): one Ed25519 key an account, which signs its prekeys and its envelopes (RFC 8032).

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;

use crate::{
    CannotOpen,
    hash::sha256,
    id::Fingerprint,
    secret::{Secret, secret_type},
    text::{Malformed, as_base64url},
};

/// Length of a signature, in bytes.
pub const SIGNATURE_BYTES: usize = 64;

secret_type!(
    /// The seed of an identity key, as the vault keeps it.
    IdentitySeed,
    32
);

/// An account's private identity key.
#[derive(Clone)]
pub struct IdentityKey(SigningKey);

/// An account's public identity key: a point of the curve in its one spelling, and not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentityPublic(VerifyingKey);

/// What a signature is for: a signature made for one purpose never passes for another.
#[derive(Clone, Copy)]
pub(crate) enum SignedAs {
    Prekey,
    Envelope,
    Reset,
    DropVault,
    DeviceLog,
    DevicePrekey,
}

impl IdentityKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(&IdentitySeed(Secret::random(rng)))
    }

    /// The key of this seed.
    pub fn from_seed(seed: &IdentitySeed) -> Self {
        Self(SigningKey::from_bytes(seed.expose_bytes()))
    }

    /// The seed, for the vault.
    pub fn seed(&self) -> IdentitySeed {
        IdentitySeed::from_bytes(self.0.as_bytes())
    }

    /// The public half.
    pub fn public(&self) -> IdentityPublic {
        IdentityPublic(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, purpose: SignedAs, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(&purpose.prefixed(message)).to_bytes()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey {{ public: {}, .. }}", self.public())
    }
}

impl IdentityPublic {
    /// The 32 bytes of RFC 8032.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Reads a public key.
    ///
    /// # Errors
    /// Bytes that are no point of the curve, a second spelling of a point (its fingerprint would be another), or a
    /// point of small order, under which anybody can sign.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| Malformed("has the wrong length"))?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| Malformed("is not a point of the curve"))?;
        if key.is_weak() {
            return Err(Malformed("is a weak key"));
        }
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(Malformed("is not the canonical spelling of its point"));
        }
        Ok(Self(key))
    }

    /// The key's short name in envelopes and pins.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::from_bytes(sha256(&[b"secure-messaging/1 identity", &self.to_bytes()]))
    }

    pub(crate) fn verify(
        &self,
        purpose: SignedAs,
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), CannotOpen> {
        self.0
            .verify_strict(&purpose.prefixed(message), &Signature::from_bytes(signature))
            .map_err(|_| CannotOpen)
    }
}

impl fmt::Debug for IdentityPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityPublic({self})")
    }
}

as_base64url!(IdentityPublic);

impl SignedAs {
    /// The labels end in a zero byte, so that none is the beginning of another followed by a message.
    fn prefixed(self, message: &[u8]) -> Vec<u8> {
        let label: &[u8] = match self {
            Self::Prekey => b"secure-messaging/1 prekey\0",
            Self::Envelope => b"secure-messaging/1 envelope\0",
            Self::Reset => b"secure-messaging/1 reset\0",
            Self::DropVault => b"secure-messaging/1 drop vault\0",
            Self::DeviceLog => b"secure-messaging/1 device log\0",
            Self::DevicePrekey => b"secure-messaging/1 device prekey\0",
        };
        [label, message].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_small_order_are_no_identity() {
        let neutral = core::array::from_fn::<u8, 32, _>(|index| u8::from(index == 0));
        let order_two = core::array::from_fn::<u8, 32, _>(|index| match index {
            0 => 0xec,
            31 => 0x7f,
            _ => 0xff,
        });
        for weak in [neutral, [0; 32], order_two] {
            assert!(IdentityPublic::parse(&weak).is_err());
        }
    }

    #[test]
    fn a_point_has_one_spelling() {
        // y = p + 3 is a second spelling of y = 3, which RFC 8032 section 5.1.3 refuses and the curve library accepts.
        let three = core::array::from_fn::<u8, 32, _>(|index| if index == 0 { 3 } else { 0 });
        let again = core::array::from_fn::<u8, 32, _>(|index| match index {
            0 => 0xf0,
            31 => 0x7f,
            _ => 0xff,
        });
        assert!(VerifyingKey::from_bytes(&again).is_ok());
        assert!(IdentityPublic::parse(&three).is_ok());
        assert!(IdentityPublic::parse(&again).is_err());
    }

    #[test]
    fn a_signature_holds_for_its_purpose_only() {
        let key = IdentityKey::from_seed(&IdentitySeed::from_bytes(&[3; 32]));
        let signature = key.sign(SignedAs::Prekey, b"text");
        assert!(key.public().verify(SignedAs::Prekey, b"text", &signature).is_ok());
        assert!(key.public().verify(SignedAs::Envelope, b"text", &signature).is_err());
    }
}

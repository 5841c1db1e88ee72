//! The device key: one Ed25519 key a device, which signs what this device sends (RFC 8032). Its seed never leaves the device;
//! the account's identity key vouches for it in the [device log](crate::device_log).

use core::fmt;

use rand_core::CryptoRng;

use crate::{
    CannotOpen,
    identity::{IdentityKey, IdentityPublic, IdentitySeed, SIGNATURE_BYTES, SignedAs},
    secret::secret_type,
    text::{Malformed, as_base64url},
};

secret_type!(
    /// The seed of a device key, as the device keeps it.
    DeviceSeed,
    32
);

/// A device's private key. The arithmetic is that of an identity key; the type keeps the two apart.
#[derive(Clone)]
pub struct DeviceKey(IdentityKey);

/// A device's public key, as checked as an identity key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DevicePublic(IdentityPublic);

impl DeviceKey {
    /// A new key.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(IdentityKey::generate(rng))
    }

    /// The key of this seed.
    pub fn from_seed(seed: &DeviceSeed) -> Self {
        Self(IdentityKey::from_seed(&IdentitySeed::from_bytes(seed.expose_bytes())))
    }

    /// The seed, for the device's own records.
    pub fn seed(&self) -> DeviceSeed {
        DeviceSeed::from_bytes(self.0.seed().expose_bytes())
    }

    /// The public half.
    pub fn public(&self) -> DevicePublic {
        DevicePublic(self.0.public())
    }

    pub(crate) fn sign(&self, purpose: SignedAs, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(purpose, message)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey {{ public: {}, .. }}", self.public())
    }
}

impl DevicePublic {
    /// The 32 bytes of RFC 8032.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Reads a public key.
    ///
    /// # Errors
    /// As [`IdentityPublic::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        IdentityPublic::parse(bytes).map(Self)
    }

    pub(crate) fn verify(
        &self,
        purpose: SignedAs,
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), CannotOpen> {
        self.0.verify(purpose, message, signature)
    }
}

impl fmt::Debug for DevicePublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DevicePublic({self})")
    }
}

as_base64url!(DevicePublic);

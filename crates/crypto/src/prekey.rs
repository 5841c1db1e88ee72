//! Prekeys: the X-Wing keys (X25519 + ML-KEM-768) to which content keys are sealed, each signed by its account's identity.
//!
//! Three kinds: the signed prekey serves until its owner replaces it; a one-time prekey serves one message; a device prekey
//! serves one message too, and its private half is on one device only, whose key signs it.
//!
//! Signing and receiving keys are independent: nothing is converted from one to the other.

use core::fmt;

use hpke::{Deserializable, Kem, Serializable, kem::XWing};
use rand_core::CryptoRng;

use crate::{
    device::{DeviceKey, DevicePublic},
    id::{AccountId, DeviceId, PrekeyId},
    identity::{IdentityKey, IdentityPublic, SIGNATURE_BYTES, SignedAs},
    secret::{Secret, secret_type},
    text::{Malformed, as_base64url},
};

/// Length of an X-Wing public key, in bytes: ML-KEM-768 (1184), then X25519 (32).
pub const PREKEY_PUBLIC_BYTES: usize = 1216;

type PrivateKey = <XWing as Kem>::PrivateKey;
type PublicKey = <XWing as Kem>::PublicKey;

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 1 + 1 + 4 + 8;
const SIGNED_PREKEY_BYTES: usize = HEAD_BYTES + PREKEY_PUBLIC_BYTES + SIGNATURE_BYTES;

/// How a prekey is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PrekeyKind {
    /// Serves many messages, until its owner replaces it.
    Signed = 1,
    /// Serves one message; every device of the account has its private half until then.
    OneTime = 2,
    /// Serves one message; one device has its private half until then, and nobody else ever.
    Device = 3,
}

impl PrekeyKind {
    pub(crate) fn parse(byte: u8) -> Result<Self, Malformed> {
        match byte {
            1 => Ok(Self::Signed),
            2 => Ok(Self::OneTime),
            3 => Ok(Self::Device),
            _ => Err(Malformed("names a kind of prekey that this version does not know")),
        }
    }
}

secret_type!(
    /// The seed of a prekey, as the vault keeps it.
    PrekeySeed,
    32
);

impl PrekeySeed {
    /// A new seed.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }
}

/// A prekey's private half.
#[derive(Clone)]
pub struct PrekeySecret {
    kind: PrekeyKind,
    device: Option<DeviceId>,
    id: PrekeyId,
    sequence: u64,
    key: PrivateKey,
    public: PublicKey,
    seed: PrekeySeed,
}

impl PrekeySecret {
    /// A new signed prekey. `sequence` counts up over all signed prekeys of the account, so that an old one is recognised.
    pub fn generate(id: PrekeyId, sequence: u64, rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(id, sequence, &PrekeySeed::generate(rng))
    }

    /// The signed prekey of this seed.
    pub fn from_seed(id: PrekeyId, sequence: u64, seed: &PrekeySeed) -> Self {
        Self::of(PrekeyKind::Signed, None, id, sequence, seed)
    }

    /// The one-time prekey of this seed. `sequence` is that of the batch it was made in.
    pub fn one_time(id: PrekeyId, sequence: u64, seed: &PrekeySeed) -> Self {
        Self::of(PrekeyKind::OneTime, None, id, sequence, seed)
    }

    /// The prekey of this seed that only `device` has.
    pub fn of_device(device: DeviceId, id: PrekeyId, sequence: u64, seed: &PrekeySeed) -> Self {
        Self::of(PrekeyKind::Device, Some(device), id, sequence, seed)
    }

    fn of(
        kind: PrekeyKind,
        device: Option<DeviceId>,
        id: PrekeyId,
        sequence: u64,
        seed: &PrekeySeed,
    ) -> Self {
        let key =
            PrivateKey::from_bytes(seed.expose_bytes()).expect("any 32 bytes are an X-Wing private key");
        let public = XWing::sk_to_pk(&key);
        Self { kind, device, id, sequence, key, public, seed: seed.clone() }
    }

    /// How it is used.
    pub fn kind(&self) -> PrekeyKind {
        self.kind
    }

    /// On which device it is, if on one only.
    pub fn device(&self) -> Option<DeviceId> {
        self.device
    }

    /// The prekey's number in its account.
    pub fn id(&self) -> PrekeyId {
        self.id
    }

    /// Where the prekey stands in the order in which the account made them.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The seed, for the vault.
    pub fn seed(&self) -> &PrekeySeed {
        &self.seed
    }

    /// The public half with its owner's signature, for publishing.
    pub fn sign(&self, account: AccountId, identity: &IdentityKey) -> SignedPrekey {
        self.signed(|bytes| identity.sign(SignedAs::Prekey, &[&account.to_bytes(), bytes].concat()))
    }

    /// The public half of a device's prekey with the device's signature, for publishing.
    pub fn sign_by_device(&self, account: AccountId, key: &DeviceKey) -> SignedPrekey {
        self.signed(|bytes| {
            let device = DeviceId::to_field(self.device);
            key.sign(SignedAs::DevicePrekey, &[account.to_bytes().as_slice(), &device, bytes].concat())
        })
    }

    fn signed(&self, sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES]) -> SignedPrekey {
        let mut bytes = Vec::with_capacity(SIGNED_PREKEY_BYTES);
        bytes.extend_from_slice(&[VERSION, self.kind as u8]);
        bytes.extend_from_slice(&self.id.0.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.public.to_bytes());
        let signature = sign(&bytes);
        bytes.extend_from_slice(&signature);
        SignedPrekey { kind: self.kind, id: self.id, sequence: self.sequence, bytes }
    }

    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for PrekeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, device: _, id, sequence, key: _, public: _, seed: _ } = self;
        write!(f, "PrekeySecret {{ kind: {kind:?}, id: {}, sequence: {sequence}, .. }}", id.0)
    }
}

/// A published prekey. Nothing is sealed to it before [`SignedPrekey::verify`] has passed.
///
/// As bytes: `version (1) || kind (1) || id (u32) || sequence (u64) || public key (1216) || signature (64)`; the
/// signature covers `account || ` all before it, that of a device `account || device || ` all before it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPrekey {
    kind: PrekeyKind,
    id: PrekeyId,
    sequence: u64,
    bytes: Vec<u8>,
}

impl SignedPrekey {
    /// Reads the bytes; the signature is still unverified.
    ///
    /// # Errors
    /// Another length, an unknown version or kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: &[u8; SIGNED_PREKEY_BYTES] =
            bytes.try_into().map_err(|_| Malformed("has the wrong length"))?;
        if bytes[0] != VERSION {
            return Err(Malformed("has a version that is not known"));
        }
        let kind = PrekeyKind::parse(bytes[1])?;
        let id = u32::from_be_bytes(core::array::from_fn(|index| bytes[2 + index]));
        let sequence = u64::from_be_bytes(core::array::from_fn(|index| bytes[6 + index]));
        Ok(Self { kind, id: PrekeyId(id), sequence, bytes: bytes.to_vec() })
    }

    /// How it is used, as it claims.
    pub fn kind(&self) -> PrekeyKind {
        self.kind
    }

    /// The bytes, as they travel.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The prekey's number in its account.
    pub fn id(&self) -> PrekeyId {
        self.id
    }

    /// Where the prekey stands in the order in which the account made them.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Checks that `owner` signed this prekey for `account`, and that both halves of the key are sound.
    ///
    /// # Errors
    /// A foreign signature, a key of another account, a device's prekey, a malformed ML-KEM key, an X25519 point of small
    /// order.
    pub fn verify(&self, account: AccountId, owner: &IdentityPublic) -> Result<Prekey, Malformed> {
        if self.kind == PrekeyKind::Device {
            return Err(Malformed("is a device's, and not signed by the account's identity key"));
        }
        let (signed, signature) = self.parts()?;
        owner
            .verify(SignedAs::Prekey, &[&account.to_bytes(), signed].concat(), signature)
            .map_err(|_| Malformed("is not signed by the account's identity key"))?;
        self.sound(account, owner, None)
    }

    /// Checks that this device of `account` signed the prekey, and that both halves of the key are sound.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_of_device(
        &self,
        account: AccountId,
        owner: &IdentityPublic,
        device: DeviceId,
        key: &DevicePublic,
    ) -> Result<Prekey, Malformed> {
        if self.kind != PrekeyKind::Device {
            return Err(Malformed("is not a device's"));
        }
        let (signed, signature) = self.parts()?;
        let message = [account.to_bytes().as_slice(), &device.to_bytes(), signed].concat();
        key.verify(SignedAs::DevicePrekey, &message, signature)
            .map_err(|_| Malformed("is not signed by the device"))?;
        self.sound(account, owner, Some(device))
    }

    fn parts(&self) -> Result<(&[u8], &[u8; SIGNATURE_BYTES]), Malformed> {
        self.bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(Malformed("has the wrong length"))
    }

    fn sound(
        &self,
        account: AccountId,
        owner: &IdentityPublic,
        device: Option<DeviceId>,
    ) -> Result<Prekey, Malformed> {
        let public = &self.parts()?.0[HEAD_BYTES..];
        if !public.last_chunk().is_some_and(contributes) {
            return Err(Malformed("is a weak key"));
        }
        let key = PublicKey::from_bytes(public).map_err(|_| Malformed("is not an X-Wing public key"))?;
        let Self { kind, id, sequence, .. } = *self;
        Ok(Prekey { kind, account, device, owner: *owner, id, sequence, key })
    }
}

impl fmt::Debug for SignedPrekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SignedPrekey {{ kind: {:?}, id: {}, sequence: {}, .. }}",
            self.kind, self.id.0, self.sequence
        )
    }
}

as_base64url!(SignedPrekey);

/// A verified prekey: proof that a recipient's identity, or a device that it vouches for, signed it. Only
/// [`SignedPrekey::verify`] and [`SignedPrekey::verify_of_device`] make one.
#[derive(Clone)]
pub struct Prekey {
    kind: PrekeyKind,
    account: AccountId,
    device: Option<DeviceId>,
    owner: IdentityPublic,
    id: PrekeyId,
    sequence: u64,
    key: PublicKey,
}

impl Prekey {
    /// Whose prekey it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// How it is used.
    pub fn kind(&self) -> PrekeyKind {
        self.kind
    }

    /// Which device has its private half, if one only.
    pub fn device(&self) -> Option<DeviceId> {
        self.device
    }

    /// The identity key that vouches for it.
    pub fn owner(&self) -> &IdentityPublic {
        &self.owner
    }

    /// The prekey's number in its account.
    pub fn id(&self) -> PrekeyId {
        self.id
    }

    /// Where the prekey stands in the order in which the account made them.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Debug for Prekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Prekey {{ kind: {:?}, account: {}, id: {}, sequence: {}, .. }}",
            self.kind, self.account, self.id.0, self.sequence
        )
    }
}

/// Whether an X25519 point takes part in a shared secret at all: with a point of small order, on the curve or on its
/// twist, the "secret" is zero whatever the other side's key (RFC 7748 section 6.1). X-Wing itself does not refuse them.
pub(crate) fn contributes(point: &[u8; 32]) -> bool {
    let mut u = *point;
    u[31] &= 0x7f; // RFC 7748 section 5: the top bit does not count.
    !SMALL_ORDER.contains(&u)
}

/// The u-coordinates of small order: 0, 1, the two of order 8, p - 1; and p, p + 1, second spellings of 0 and 1.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    little_endian(0x01, 0x00, 0x00),
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda,
        0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04,
        0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    little_endian(0xec, 0xff, 0x7f),
    little_endian(0xed, 0xff, 0x7f),
    little_endian(0xee, 0xff, 0x7f),
];

const fn little_endian(lowest: u8, middle: u8, highest: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = lowest;
    bytes[31] = highest;
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use x25519_dalek::{PublicKey, StaticSecret};

    #[test]
    fn the_points_of_small_order_are_the_ones_that_share_nothing() {
        let shares = |point: &[u8; 32]| {
            StaticSecret::from([1; 32]).diffie_hellman(&PublicKey::from(*point)).was_contributory()
        };
        for mut point in SMALL_ORDER {
            assert!(!contributes(&point) && !shares(&point), "{point:?}");
            point[31] |= 0x80;
            assert!(!contributes(&point) && !shares(&point), "{point:?}");
        }
        // All other second spellings (p + 2 to p + 18), their canonical twins, and the neighbours of 0.
        for lowest in 0..=u8::MAX {
            for point in [little_endian(lowest, 0, 0), little_endian(lowest, 0xff, 0x7f)] {
                assert_eq!(contributes(&point), shares(&point), "{point:?}");
            }
        }
    }
}

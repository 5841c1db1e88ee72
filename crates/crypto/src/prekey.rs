//! Prekeys: the X-Wing keys (X25519 + ML-KEM-768) to which content keys are sealed, each signed by its account's identity.
//!
//! Signing and receiving keys are independent: nothing is converted from one to the other.

use core::fmt;

use hpke::{Deserializable, Kem, Serializable, kem::XWing};
use rand_core::CryptoRng;

use crate::{
    id::{AccountId, PrekeyId},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PrekeyKind {
    /// Serves many messages, until its owner replaces it.
    Signed = 1,
}

impl PrekeyKind {
    pub(crate) fn parse(byte: u8) -> Result<Self, Malformed> {
        match byte {
            1 => Ok(Self::Signed),
            _ => Err(Malformed("names a kind of prekey that this version does not know")),
        }
    }
}

secret_type!(
    /// The seed of a prekey, as the vault keeps it.
    PrekeySeed,
    32
);

/// A prekey's private half.
#[derive(Clone)]
pub struct PrekeySecret {
    id: PrekeyId,
    sequence: u64,
    key: PrivateKey,
    public: PublicKey,
    seed: PrekeySeed,
}

impl PrekeySecret {
    /// A new prekey. `sequence` counts up over all prekeys of the account, so that an old one is recognised.
    pub fn generate(id: PrekeyId, sequence: u64, rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(id, sequence, &PrekeySeed(Secret::random(rng)))
    }

    /// The prekey of this seed.
    pub fn from_seed(id: PrekeyId, sequence: u64, seed: &PrekeySeed) -> Self {
        let key =
            PrivateKey::from_bytes(seed.expose_bytes()).expect("any 32 bytes are an X-Wing private key");
        let public = XWing::sk_to_pk(&key);
        Self { id, sequence, key, public, seed: seed.clone() }
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
        let mut bytes = Vec::with_capacity(SIGNED_PREKEY_BYTES);
        bytes.extend_from_slice(&[VERSION, PrekeyKind::Signed as u8]);
        bytes.extend_from_slice(&self.id.0.to_be_bytes());
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.public.to_bytes());
        let signature = identity.sign(SignedAs::Prekey, &[&account.to_bytes(), bytes.as_slice()].concat());
        bytes.extend_from_slice(&signature);
        SignedPrekey { id: self.id, sequence: self.sequence, bytes }
    }

    pub(crate) fn key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for PrekeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, sequence, key: _, public: _, seed: _ } = self;
        write!(f, "PrekeySecret {{ id: {}, sequence: {sequence}, .. }}", id.0)
    }
}

/// A published prekey. Nothing is sealed to it before [`SignedPrekey::verify`] has passed.
///
/// As bytes: `version (1) || kind (1) || id (u32) || sequence (u64) || public key (1216) || signature (64)`; the
/// signature covers `account || ` all before it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPrekey {
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
        PrekeyKind::parse(bytes[1])?;
        let id = u32::from_be_bytes(core::array::from_fn(|index| bytes[2 + index]));
        let sequence = u64::from_be_bytes(core::array::from_fn(|index| bytes[6 + index]));
        Ok(Self { id: PrekeyId(id), sequence, bytes: bytes.to_vec() })
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
    /// A foreign signature, a key of another account, a malformed ML-KEM key, an X25519 point of small order.
    pub fn verify(&self, account: AccountId, owner: &IdentityPublic) -> Result<Prekey, Malformed> {
        let (signed, signature) =
            self.bytes.split_last_chunk::<SIGNATURE_BYTES>().ok_or(Malformed("has the wrong length"))?;
        owner
            .verify(SignedAs::Prekey, &[&account.to_bytes(), signed].concat(), signature)
            .map_err(|_| Malformed("is not signed by the account's identity key"))?;
        let public = &signed[HEAD_BYTES..];
        if !public.last_chunk().is_some_and(contributes) {
            return Err(Malformed("is a weak key"));
        }
        let key = PublicKey::from_bytes(public).map_err(|_| Malformed("is not an X-Wing public key"))?;
        Ok(Prekey { account, owner: *owner, id: self.id, sequence: self.sequence, key })
    }
}

impl fmt::Debug for SignedPrekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedPrekey {{ id: {}, sequence: {}, .. }}", self.id.0, self.sequence)
    }
}

as_base64url!(SignedPrekey);

/// A verified prekey: proof that a recipient's identity vouches for it. Only [`SignedPrekey::verify`] makes one.
#[derive(Clone)]
pub struct Prekey {
    account: AccountId,
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
            "Prekey {{ account: {}, id: {}, sequence: {}, .. }}",
            self.account, self.id.0, self.sequence
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

//! Prekeys: the X-Wing keys (X25519 + ML-KEM-768) to which content keys are sealed, each signed by its account's identity.
//!
//! Signing and receiving keys are independent: nothing is converted from one to the other.

use core::fmt;

use hpke::{Deserializable, Kem, Serializable, kem::XWing};
use rand_core::CryptoRng;
use x25519_dalek::StaticSecret;

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
        if !contributes(public) {
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

/// Whether the X25519 half of an X-Wing key takes part in a shared secret at all (RFC 7748 section 6.1).
fn contributes(public: &[u8]) -> bool {
    public.last_chunk::<32>().is_some_and(|point| {
        StaticSecret::from([1; 32]).diffie_hellman(&x25519_dalek::PublicKey::from(*point)).was_contributory()
    })
}

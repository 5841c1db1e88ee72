//! From bytes to parsed envelopes and deliveries. Strict: what parses has one spelling, and every length fits.

use core::fmt;

use crate::{
    CannotOpen,
    aead::TAG_BYTES,
    hash::sha256,
    id::{AccountId, EnvelopeHash},
    identity::{SIGNATURE_BYTES, SignedAs},
    text::{Malformed, as_base64url},
};

use super::{
    COMMIT_BYTES, Header, MAX_ENVELOPE_BYTES, SEAL_BYTES, Sender, VerifiedDelivery, hash_of_seal, transcript,
};

/// A whole envelope, as its sender sends it: parsed, its seals the ones that are listed, its signature unverified.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    pub(super) shared: Shared,
    pub(super) seals: Vec<[u8; SEAL_BYTES]>,
}

/// What one recipient gets of an envelope: parsed, unverified.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    pub(super) shared: Shared,
    pub(super) seals: Vec<[u8; SEAL_BYTES]>,
}

impl Envelope {
    /// Reads an envelope.
    ///
    /// # Errors
    /// What is wrong with its form: for the sender's ears, as it holds no secret.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_ENVELOPE_BYTES {
            return Err(Malformed("is too long"));
        }
        let (header, shared_len) = Shared::measure(bytes)?;
        let (shared, seals) = bytes.split_at_checked(shared_len).ok_or(Malformed("is too short"))?;
        let (seals, []) = seals.as_chunks::<SEAL_BYTES>() else {
            return Err(Malformed("has the wrong length"));
        };
        let shared = Shared::new(header, shared);
        if seals.len() != shared.header.seal_count() {
            return Err(Malformed("has the wrong length"));
        }
        if !shared.seal_hashes().iter().zip(seals).all(|(hash, seal)| *hash == hash_of_seal(seal)) {
            return Err(Malformed("has a seal that is not the one it lists"));
        }
        Ok(Self { shared, seals: seals.to_vec() })
    }

    /// The bytes, as they travel.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.shared.bytes.as_slice(), self.seals.as_flattened()].concat()
    }

    /// The header, as it claims to be: call [`Self::verify`] before believing it.
    pub fn claimed_header(&self) -> &Header {
        &self.shared.header
    }

    /// The envelope's name: the same for everyone who gets it.
    pub fn hash(&self) -> EnvelopeHash {
        self.shared.hash()
    }

    /// Checks the sender's signature over all of the envelope.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn verify(&self, sender: impl Into<Sender>) -> Result<(), CannotOpen> {
        self.shared.verify(&sender.into())
    }

    /// The part that all recipients get, as it is stored once.
    pub fn shared_bytes(&self) -> &[u8] {
        &self.shared.bytes
    }

    /// The seals, one for each recipient that has one, in the header's order.
    pub fn seals(&self) -> &[[u8; SEAL_BYTES]] {
        &self.seals
    }

    /// The seals of `account`, one after the other: none, one, or one for each of its devices.
    pub fn seals_of(&self, account: AccountId) -> Vec<u8> {
        let header = &self.shared.header;
        let seals = header.places_of(account).filter_map(|(place, _)| header.seal_of_place(place));
        seals.flat_map(|seal| self.seals[seal]).collect()
    }

    /// What `account` gets, if it is a recipient.
    pub fn delivery_to(&self, account: AccountId) -> Option<Delivery> {
        self.shared.header.place_of(account)?;
        let seals = self.seals_of(account).as_chunks().0.to_vec();
        Some(Delivery { shared: self.shared.clone(), seals })
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared, seals: _ } = self;
        write!(f, "Envelope {{ message: {}, .. }}", shared.header.message)
    }
}

as_base64url!(Envelope);

impl Delivery {
    /// Reads a delivery from its two parts: what all recipients get, and the reader's seals.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn parse(shared: &[u8], seals: &[u8]) -> Result<Self, Malformed> {
        if shared.len() > MAX_ENVELOPE_BYTES {
            return Err(Malformed("is too long"));
        }
        let (header, shared_len) = Shared::measure(shared)?;
        if shared.len() != shared_len {
            return Err(Malformed("has the wrong length"));
        }
        let (seals, []) = seals.as_chunks::<SEAL_BYTES>() else {
            return Err(Malformed("has a seal of the wrong length"));
        };
        if seals.len() > header.0.seal_count() {
            return Err(Malformed("has too many seals"));
        }
        Ok(Self { shared: Shared::new(header, shared), seals: seals.to_vec() })
    }

    /// The header, as it claims to be: nothing of it is to be believed before [`Self::verify`].
    pub fn claimed_header(&self) -> &Header {
        &self.shared.header
    }

    /// The envelope's name, as these bytes have it.
    pub fn hash(&self) -> EnvelopeHash {
        self.shared.hash()
    }

    /// Checks the signature with the sender's keys: the identity key, which the caller has from its pins and not from the
    /// server, and the key of the device, for which the identity key vouches.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn verify(self, sender: impl Into<Sender>) -> Result<VerifiedDelivery, CannotOpen> {
        let sender = sender.into();
        self.shared.verify(&sender)?;
        Ok(VerifiedDelivery { delivery: self, sender: sender.identity })
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared, seals: _ } = self;
        write!(f, "Delivery {{ message: {}, .. }}", shared.header.message)
    }
}

/// `H || commit || body || hashes of the seals || signature`, with the header read.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) header: Header,
    pub(super) header_len: usize,
    pub(super) bytes: Vec<u8>,
}

impl Shared {
    /// Reads the header at the front, and says how long the shared part must be with it.
    fn measure(bytes: &[u8]) -> Result<((Header, usize), usize), Malformed> {
        let (header, rest) = Header::parse(bytes)?;
        let header_len = bytes.len() - rest.len();
        let body_len = header.padded_len as usize + TAG_BYTES;
        let shared_len = header_len + COMMIT_BYTES + body_len + 32 * header.seal_count() + SIGNATURE_BYTES;
        Ok(((header, header_len), shared_len))
    }

    /// `bytes` have the length that [`Self::measure`] told: the slices below rely on it.
    fn new((header, header_len): (Header, usize), bytes: &[u8]) -> Self {
        Self { header, header_len, bytes: bytes.to_vec() }
    }

    pub(super) fn header_bytes(&self) -> &[u8] {
        &self.bytes[..self.header_len]
    }

    pub(super) fn commit(&self) -> &[u8; COMMIT_BYTES] {
        self.bytes[self.header_len..].first_chunk().expect("the shared part has its measured length")
    }

    pub(super) fn body(&self) -> &[u8] {
        let start = self.header_len + COMMIT_BYTES;
        &self.bytes[start..start + self.header.padded_len as usize + TAG_BYTES]
    }

    pub(super) fn seal_hashes(&self) -> &[[u8; 32]] {
        let end = self.bytes.len() - SIGNATURE_BYTES;
        self.bytes[end - 32 * self.header.seal_count()..end].as_chunks().0
    }

    fn signature(&self) -> &[u8; SIGNATURE_BYTES] {
        self.bytes.last_chunk().expect("the shared part has its measured length")
    }

    fn transcript(&self) -> Vec<u8> {
        transcript(self.header_bytes(), self.commit(), self.body(), self.seal_hashes().as_flattened())
    }

    pub(super) fn hash(&self) -> EnvelopeHash {
        EnvelopeHash::from_bytes(sha256(&[b"secure-messaging/1 envelope hash", &self.transcript()]))
    }

    /// The keys that verify must be those that the header lists for its sender, so that signature and header never speak
    /// of two keys.
    fn verify(&self, sender: &Sender) -> Result<(), CannotOpen> {
        let place = self.header.place_of(self.header.sender).ok_or(CannotOpen)?;
        if self.header.recipients[place].identity != sender.identity.fingerprint() {
            return Err(CannotOpen);
        }
        let transcript = self.transcript();
        match (self.header.device, &sender.device) {
            (None, None) => sender.identity.verify(SignedAs::Envelope, &transcript, self.signature()),
            (Some(named), Some((device, key))) if named == *device => {
                key.verify(SignedAs::Envelope, &transcript, self.signature())
            }
            _ => Err(CannotOpen),
        }
    }
}

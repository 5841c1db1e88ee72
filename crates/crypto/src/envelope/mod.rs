//! The envelope: one message to a set of accounts. Suite 1; byte by byte in `docs/protocol.md`.
//!
//! ```text
//! H       the header: who, to whom, in which conversation, when (see [`Header`])
//! CK      32 random bytes, the content key
//! k, commit = HKDF-SHA-256(CK, salt = SHA-256(H), "body")                               32 + 32 bytes
//! body    = AES-256-GCM(k, aad = H || commit, pad(content))
//! seal_i  = HPKE base mode (RFC 9180; X-Wing, HKDF-SHA-256, AES-256-GCM) of CK to prekey i,
//!           info = "seal" || sender IK || recipient IK || prekey id || prekey kind || device,
//!           aad = SHA-256(H) || commit
//! sig     = Ed25519(device key, "envelope" || H || commit || SHA-256(body) || SHA-256(seal_1) || … || SHA-256(seal_n))
//!
//! shared   = H || commit || body || SHA-256(seal_1) || … || SHA-256(seal_n) || sig      the same for everyone
//! envelope = shared || seal_1 || … || seal_n                                            what the sender sends
//! delivery = shared, own seals                                                          what a recipient gets
//! ```
//!
//! Version 2, above, is what devices write: a seal for each other account, to a one-time prekey or the signed one, and the
//! sender archives CK; or, of a disappearing message, a seal for each device. In version 1, which accounts wrote before they
//! had devices, the identity key signs and the sender has a seal like everyone.
//!
//! The signature covers all seals, yet each recipient is sent only their own. `commit` makes the body open under one key
//! only, which AES-GCM alone does not promise.
//!
//! Received bytes climb a ladder of types: [`Envelope::parse`] or [`Delivery::parse`] → [`Delivery::verify`] →
//! [`VerifiedDelivery::open`] → [`Opened`]. What has not been verified cannot be opened.

mod draft;
mod header;
mod open;
mod padding;
mod parse;

pub use draft::{Author, CannotSeal, Draft, Sealed};
pub use header::{
    ConversationKind, Expiry, Header, MAX_PARENTS, MAX_RECIPIENTS, MAX_SEALS, MIN_RECIPIENTS, Recipient, Way,
};
pub use open::{Opened, VerifiedDelivery};
pub use padding::MAX_CONTENT_BYTES;
pub use parse::{Delivery, Envelope};

use crate::{
    device::DevicePublic,
    hash::{derive, sha256},
    id::DeviceId,
    identity::IdentityPublic,
    secret::{Secret, secret_type},
};

/// Length of one recipient's seal: X-Wing's encapsulated key (1120), the sealed content key (32), the tag (16).
pub const SEAL_BYTES: usize = 1120 + 32 + 16;
/// Largest envelope: the largest body, with [`MAX_SEALS`] seals.
pub const MAX_ENVELOPE_BYTES: usize = 320 * 1024;

const COMMIT_BYTES: usize = 32;

type Kem = hpke::kem::XWing;
type Kdf = hpke::kdf::HkdfSha256;
type Aead = hpke::aead::AesGcm256;

secret_type!(
    /// A message's content key: drawn once, sealed to every recipient.
    ContentKey,
    32
);

/// The body key and the commitment to it, both from the content key and the whole header.
fn body_key(content_key: &ContentKey, header_hash: &[u8; 32]) -> (Secret<32>, [u8; COMMIT_BYTES]) {
    let both: Secret<64> = derive(content_key.expose_bytes(), header_hash, b"secure-messaging/1 body");
    let mut commit = [0; COMMIT_BYTES];
    commit.copy_from_slice(&both.expose()[32..]);
    (Secret::filled_by(|key| key.copy_from_slice(&both.expose()[..32])), commit)
}

fn header_hash(header: &[u8]) -> [u8; 32] {
    sha256(&[b"secure-messaging/1 header", header])
}

/// By which keys a delivery is verified: the sender's identity key, and the device key that it vouches for. From an identity
/// key alone for what was written before accounts had devices.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// The accepted identity key.
    pub identity: IdentityPublic,
    /// The device that the header names, with its key from the sender's device log.
    pub device: Option<(DeviceId, DevicePublic)>,
}

impl From<&IdentityPublic> for Sender {
    fn from(identity: &IdentityPublic) -> Self {
        Self { identity: *identity, device: None }
    }
}

fn seal_info(
    sender: &IdentityPublic,
    recipient: &IdentityPublic,
    place: &Recipient,
    by_device: bool,
) -> Vec<u8> {
    let Way::Sealed(kind, prekey) = place.way else { return Vec::new() };
    let mut info = [
        b"secure-messaging/1 seal".as_slice(),
        &sender.to_bytes(),
        &recipient.to_bytes(),
        &prekey.0.to_be_bytes(),
    ]
    .concat();
    if by_device {
        info.push(kind as u8);
        info.extend_from_slice(&DeviceId::to_field(place.device));
    }
    info
}

fn seal_aad(header_hash: &[u8; 32], commit: &[u8; COMMIT_BYTES]) -> [u8; 64] {
    let mut aad = [0; 64];
    aad[..32].copy_from_slice(header_hash);
    aad[32..].copy_from_slice(commit);
    aad
}

fn hash_of_seal(seal: &[u8; SEAL_BYTES]) -> [u8; 32] {
    sha256(&[b"secure-messaging/1 seal hash", seal])
}

/// What the signature covers.
fn transcript(header: &[u8], commit: &[u8; COMMIT_BYTES], body: &[u8], seal_hashes: &[u8]) -> Vec<u8> {
    [header, commit, &sha256(&[b"secure-messaging/1 body hash", body]), seal_hashes].concat()
}

//! Envelopes taken apart and put together by hand, after the format's description and not through the crate.

use crypto::envelope::SEAL_BYTES;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};

use crate::people::Person;

pub(crate) const RECIPIENTS_AT: usize = 2 + 32 + 1 + 16 + 16 + 2;
pub(crate) const RECIPIENT_BYTES: usize = 16 + 32 + 4 + 1;

/// An envelope, taken apart.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) header: Vec<u8>,
    pub(crate) commit: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) seals: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn of(envelope: &[u8]) -> Self {
        let recipients = usize::from(envelope[RECIPIENTS_AT - 1]);
        let parents_at = RECIPIENTS_AT + recipients * RECIPIENT_BYTES;
        let header_len = parents_at + 1 + usize::from(envelope[parents_at]) * 32 + 8 + 8 + 32 + 4;
        let (header, rest) = envelope.split_at(header_len);
        let padded = u32::from_be_bytes(header[header_len - 4..].try_into().unwrap()) as usize;
        let (commit, rest) = rest.split_at(32);
        let (body, rest) = rest.split_at(padded + 16);
        let seals = rest[32 * recipients + 64..].chunks(SEAL_BYTES).map(<[u8]>::to_vec).collect();
        Self { header: header.to_vec(), commit: commit.to_vec(), body: body.to_vec(), seals }
    }

    pub(crate) fn seal_hashes(&self) -> Vec<u8> {
        self.seals.iter().flat_map(|seal| hash("secure-messaging/1 seal hash", seal)).collect()
    }

    /// Put together again, with the signature that `signer` makes over it.
    pub(crate) fn signed_by(&self, signer: &Person) -> Vec<u8> {
        self.assembled(&self.seal_hashes(), signer)
    }

    pub(crate) fn assembled(&self, seal_hashes: &[u8], signer: &Person) -> Vec<u8> {
        let Self { header, commit, body, seals } = self;
        let signed = [
            b"secure-messaging/1 envelope\0".as_slice(),
            header,
            commit,
            &hash("secure-messaging/1 body hash", body),
            seal_hashes,
        ]
        .concat();
        let signature = SigningKey::from_bytes(signer.identity.seed().expose_bytes()).sign(&signed);
        [header, commit, body, seal_hashes, &signature.to_bytes(), &seals.concat()].concat()
    }
}

pub(crate) fn hash(label: &str, bytes: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(label).chain_update(bytes).finalize().into()
}

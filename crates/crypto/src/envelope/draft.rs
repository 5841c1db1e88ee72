//! Sealing.

use hpke::{OpModeS, Serializable, single_shot_seal_with_rng};
use rand_core::CryptoRng;

use crate::{
    aead,
    id::{AccountId, ConversationId, EnvelopeHash, MessageId},
    identity::{IdentityKey, SignedAs},
    prekey::{Prekey, PrekeyKind},
    secret::Secret,
};

use super::{
    Aead, COMMIT_BYTES, ContentKey, ConversationKind, Envelope, Header, Kdf, Kem, MAX_CONTENT_BYTES,
    MAX_PARENTS, MAX_RECIPIENTS, MIN_RECIPIENTS, Recipient, SEAL_BYTES, body_key, hash_of_seal, header_hash,
    padding, parse, seal_aad, seal_info, transcript,
};

/// A message before it is sealed.
#[derive(Clone, Copy)]
pub struct Draft<'a> {
    /// The conversation: [`ConversationId::of_set`] of the recipients.
    pub conversation: ConversationId,
    /// A fresh id; sending the sealed envelope twice with it is sending it once.
    pub message: MessageId,
    /// The last messages seen in the conversation, at most [`MAX_PARENTS`].
    pub parents: &'a [EnvelopeHash],
    /// Now, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// When the message is to be gone, in milliseconds since 1970.
    pub expires_at_ms: Option<u64>,
    /// What the body holds, at most [`MAX_CONTENT_BYTES`].
    pub content: &'a [u8],
}

/// Why a draft was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSeal {
    /// Longer than [`MAX_CONTENT_BYTES`].
    #[error("The message is too long: at most {MAX_CONTENT_BYTES} bytes fit into one")]
    TooLong,
    /// Fewer than two recipients, more than [`MAX_RECIPIENTS`], one of them twice, or the sender not among them.
    #[error("A message goes to its sender and to 1 to 99 others, each once")]
    Recipients,
    /// More than [`MAX_PARENTS`] parents.
    #[error("A message names at most {MAX_PARENTS} parents")]
    Parents,
    /// The conversation is not the one of these recipients.
    #[error("These recipients are another conversation")]
    Conversation,
    /// A recipient's key could not be used.
    #[error("The key of a recipient cannot be used")]
    Key,
}

impl Draft<'_> {
    /// Seals the draft: one body, a seal for each recipient's prekey (the sender's own among them), one signature.
    ///
    /// # Errors
    /// [`CannotSeal`], with nothing half-made.
    pub fn seal(
        &self,
        sender: AccountId,
        identity: &IdentityKey,
        prekeys: &[Prekey],
        rng: &mut impl CryptoRng,
    ) -> Result<Envelope, CannotSeal> {
        let mut prekeys: Vec<&Prekey> = prekeys.iter().collect();
        prekeys.sort_by_key(|prekey| prekey.account());
        let header = self.header(sender, identity, &prekeys)?;
        let header_bytes = header.to_bytes();
        let header_hash = header_hash(&header_bytes);

        let content_key = ContentKey(Secret::random(rng));
        let (key, commit) = body_key(&content_key, &header_hash);
        let aad = [header_bytes.as_slice(), &commit].concat();
        let body = aead::seal_once(key.expose(), &aad, padding::pad(self.content));

        let sender_public = identity.public();
        let aad = seal_aad(&header_hash, &commit);
        let mut seals = Vec::with_capacity(prekeys.len());
        for prekey in &prekeys {
            let info = seal_info(&sender_public, prekey.owner(), prekey.id());
            seals.push(seal_content_key(&content_key, prekey, &info, &aad, rng)?);
        }
        Ok(assemble(header, &header_bytes, &commit, &body, seals, identity))
    }

    fn header(
        &self,
        sender: AccountId,
        identity: &IdentityKey,
        prekeys: &[&Prekey],
    ) -> Result<Header, CannotSeal> {
        if self.content.len() > MAX_CONTENT_BYTES {
            return Err(CannotSeal::TooLong);
        }
        if self.parents.len() > MAX_PARENTS {
            return Err(CannotSeal::Parents);
        }
        let own = prekeys.iter().find(|prekey| prekey.account() == sender);
        if !(MIN_RECIPIENTS..=MAX_RECIPIENTS).contains(&prekeys.len())
            || !prekeys.is_sorted_by(|one, next| one.account() < next.account())
            || own.is_none_or(|own| *own.owner() != identity.public())
        {
            return Err(CannotSeal::Recipients);
        }
        if self.conversation != ConversationId::of_set(prekeys.iter().map(|prekey| prekey.account())) {
            return Err(CannotSeal::Conversation);
        }
        let mut parents = self.parents.to_vec();
        parents.sort_unstable();
        parents.dedup();
        Ok(Header {
            conversation: self.conversation,
            kind: ConversationKind::Set,
            message: self.message,
            sender,
            recipients: prekeys
                .iter()
                .map(|prekey| Recipient {
                    account: prekey.account(),
                    identity: prekey.owner().fingerprint(),
                    prekey: prekey.id(),
                    prekey_kind: PrekeyKind::Signed,
                })
                .collect(),
            parents,
            sent_at_ms: self.sent_at_ms,
            expires_at_ms: self.expires_at_ms.unwrap_or(0),
            key_log_head: [0; 32],
            padded_len: padding::padded_len(self.content.len()) as u32,
        })
    }
}

fn seal_content_key(
    content_key: &ContentKey,
    prekey: &Prekey,
    info: &[u8],
    aad: &[u8],
    mut rng: &mut impl CryptoRng,
) -> Result<[u8; SEAL_BYTES], CannotSeal> {
    let (encapsulated, sealed) = single_shot_seal_with_rng::<Aead, Kdf, Kem>(
        &OpModeS::Base,
        prekey.key(),
        info,
        content_key.expose_bytes(),
        aad,
        &mut rng,
    )
    .map_err(|_| CannotSeal::Key)?;
    let mut seal = [0; SEAL_BYTES];
    let (front, back) = seal.split_at_mut(SEAL_BYTES - 48);
    encapsulated.write_exact(front);
    back.copy_from_slice(&sealed);
    Ok(seal)
}

fn assemble(
    header: Header,
    header_bytes: &[u8],
    commit: &[u8; COMMIT_BYTES],
    body: &[u8],
    seals: Vec<[u8; SEAL_BYTES]>,
    identity: &IdentityKey,
) -> Envelope {
    let hashes: Vec<u8> = seals.iter().flat_map(hash_of_seal).collect();
    let signature = identity.sign(SignedAs::Envelope, &transcript(header_bytes, commit, body, &hashes));
    let shared = [header_bytes, commit, body, &hashes, &signature].concat();
    Envelope { shared: parse::Shared { header, header_len: header_bytes.len(), bytes: shared }, seals }
}

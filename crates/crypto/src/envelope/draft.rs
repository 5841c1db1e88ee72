//! Sealing.

use hpke::{OpModeS, Serializable, single_shot_seal_with_rng};
use rand_core::CryptoRng;

use crate::{
    aead,
    device::DeviceKey,
    id::{AccountId, ConversationId, DeviceId, EnvelopeHash, LogHash, MessageId},
    identity::{IdentityKey, IdentityPublic, SIGNATURE_BYTES, SignedAs},
    prekey::{Prekey, PrekeyKind},
    secret::Secret,
};

use super::{
    Aead, COMMIT_BYTES, ContentKey, ConversationKind, Envelope, Expiry, Header, Kdf, Kem, MAX_CONTENT_BYTES,
    MAX_ENVELOPE_BYTES, MAX_PARENTS, MAX_RECIPIENTS, MAX_SEALS, MIN_RECIPIENTS, Recipient, SEAL_BYTES, Way,
    body_key, hash_of_seal, header_hash, padding, parse, seal_aad, seal_info, transcript,
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
    /// When the message is to be gone.
    pub expiry: Expiry,
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
    /// More than [`MAX_SEALS`] devices.
    #[error("A disappearing message reaches at most {MAX_SEALS} devices: write to fewer people at once")]
    Devices,
    /// A prekey that does not fit whether the message disappears.
    #[error("The key of a recipient is not of the kind that this message takes")]
    Kind,
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

/// Who writes: an account, by one of its devices.
#[derive(Clone, Copy)]
pub struct Author<'a> {
    /// The account.
    pub account: AccountId,
    /// Its identity key.
    pub identity: &'a IdentityPublic,
    /// The device.
    pub device: DeviceId,
    /// The device's key, which signs.
    pub key: &'a DeviceKey,
    /// The head of the account's device log, as this device knows it.
    pub log_head: LogHash,
}

/// A sealed message, and the key that opens it: the sender's own copy has no seal, so this is for the sender's archive.
pub struct Sealed {
    /// What is sent.
    pub envelope: Envelope,
    /// What the sender archives or keeps.
    pub content_key: ContentKey,
}

impl Draft<'_> {
    /// Seals the draft by a device: one body, a seal for each prekey, one signature. `absent` are the members that no
    /// device of can take the message. The sender needs no prekey; of a disappearing message the sender's other devices
    /// have theirs among `prekeys`.
    ///
    /// # Errors
    /// [`CannotSeal`], with nothing half-made.
    pub fn seal_by_device(
        &self,
        author: Author<'_>,
        prekeys: &[Prekey],
        absent: &[(AccountId, IdentityPublic)],
        rng: &mut impl CryptoRng,
    ) -> Result<Sealed, CannotSeal> {
        let mut recipients: Vec<(Recipient, Option<&Prekey>)> =
            prekeys.iter().map(|prekey| (recipient(prekey), Some(prekey))).collect();
        let without_seal = |account, identity: &IdentityPublic, device, way| {
            (Recipient { account, identity: identity.fingerprint(), device, way }, None)
        };
        recipients.push(without_seal(author.account, author.identity, Some(author.device), Way::Own));
        let absent =
            absent.iter().map(|(account, identity)| without_seal(*account, identity, None, Way::Absent));
        recipients.extend(absent);
        recipients.sort_by_key(|(recipient, _)| (recipient.account, recipient.device));

        let header = self.header(
            author.account,
            Some(author.device),
            author.log_head,
            recipients.iter().map(|(recipient, _)| *recipient).collect(),
        )?;
        check_places(&header)?;
        let readers: Vec<&Prekey> = recipients.iter().filter_map(|(_, prekey)| *prekey).collect();
        self.seal_to(
            header,
            author.identity,
            &readers,
            |transcript| author.key.sign(SignedAs::Envelope, transcript),
            rng,
        )
    }

    /// Seals the draft as accounts did before they had devices (version 1): everyone has a seal to their signed prekey, the
    /// sender too, and the identity key signs. What was sent so stays readable.
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
        let own = prekeys.iter().find(|prekey| prekey.account() == sender);
        if !(MIN_RECIPIENTS..=MAX_RECIPIENTS).contains(&prekeys.len())
            || !prekeys.is_sorted_by(|one, next| one.account() < next.account())
            || own.is_none_or(|own| *own.owner() != identity.public())
        {
            return Err(CannotSeal::Recipients);
        }
        if prekeys.iter().any(|prekey| prekey.kind() != PrekeyKind::Signed) {
            return Err(CannotSeal::Kind);
        }
        let recipients = prekeys.iter().map(|prekey| recipient(prekey)).collect();
        let header = self.header(sender, None, LogHash::from_bytes([0; 32]), recipients)?;
        let sign = |transcript: &[u8]| identity.sign(SignedAs::Envelope, transcript);
        self.seal_to(header, &identity.public(), &prekeys, sign, rng).map(|sealed| sealed.envelope)
    }

    /// `readers` stand in the header's order.
    fn seal_to(
        &self,
        header: Header,
        sender: &IdentityPublic,
        readers: &[&Prekey],
        sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
        rng: &mut impl CryptoRng,
    ) -> Result<Sealed, CannotSeal> {
        let header_bytes = header.to_bytes();
        let header_hash = header_hash(&header_bytes);

        let content_key = ContentKey(Secret::random(rng));
        let (key, commit) = body_key(&content_key, &header_hash);
        let aad = [header_bytes.as_slice(), &commit].concat();
        let body = aead::seal_once(key.expose(), &aad, padding::pad(self.content));

        let aad = seal_aad(&header_hash, &commit);
        let mut seals = Vec::with_capacity(readers.len());
        for prekey in readers {
            let info = seal_info(sender, prekey.owner(), &recipient(prekey), header.device.is_some());
            seals.push(seal_content_key(&content_key, prekey, &info, &aad, rng)?);
        }
        let envelope = assemble(header, &header_bytes, &commit, &body, seals, sign);
        if envelope.shared_bytes().len() + envelope.seals().len() * SEAL_BYTES > MAX_ENVELOPE_BYTES {
            return Err(CannotSeal::TooLong);
        }
        Ok(Sealed { envelope, content_key })
    }

    fn header(
        &self,
        sender: AccountId,
        device: Option<DeviceId>,
        log_head: LogHash,
        recipients: Vec<Recipient>,
    ) -> Result<Header, CannotSeal> {
        if self.content.len() > MAX_CONTENT_BYTES {
            return Err(CannotSeal::TooLong);
        }
        if self.parents.len() > MAX_PARENTS {
            return Err(CannotSeal::Parents);
        }
        let mut parents = self.parents.to_vec();
        parents.sort_unstable();
        parents.dedup();
        let header = Header {
            conversation: self.conversation,
            kind: ConversationKind::Set,
            message: self.message,
            sender,
            device,
            recipients,
            parents,
            sent_at_ms: self.sent_at_ms,
            expiry: self.expiry,
            log_head,
            padded_len: padding::padded_len(self.content.len()) as u32,
        };
        if self.conversation != ConversationId::of_set(header.accounts()) {
            return Err(CannotSeal::Conversation);
        }
        Ok(header)
    }
}

fn recipient(prekey: &Prekey) -> Recipient {
    Recipient {
        account: prekey.account(),
        identity: prekey.owner().fingerprint(),
        device: prekey.device(),
        way: Way::Sealed(prekey.kind(), prekey.id()),
    }
}

/// What a reader would refuse is not sealed.
fn check_places(header: &Header) -> Result<(), CannotSeal> {
    if header.seal_count() > MAX_SEALS {
        return Err(CannotSeal::Devices);
    }
    let place = |recipient: &Recipient| (recipient.account, recipient.device);
    let in_order = header.recipients.is_sorted_by(|one, next| place(one) < place(next));
    if !in_order || header.accounts().count() > MAX_RECIPIENTS {
        return Err(CannotSeal::Recipients);
    }
    header.check_ways().map_err(|_| CannotSeal::Kind)
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
    sign: impl FnOnce(&[u8]) -> [u8; SIGNATURE_BYTES],
) -> Envelope {
    let hashes: Vec<u8> = seals.iter().flat_map(hash_of_seal).collect();
    let signature = sign(&transcript(header_bytes, commit, body, &hashes));
    let shared = [header_bytes, commit, body, &hashes, &signature].concat();
    Envelope { shared: parse::Shared { header, header_len: header_bytes.len(), bytes: shared }, seals }
}

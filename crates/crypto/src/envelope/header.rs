//! The envelope's header: what the server may read, and what the signature binds.

use crate::{
    id::{AccountId, ConversationId, EnvelopeHash, Fingerprint, MessageId, PrekeyId},
    prekey::PrekeyKind,
    text::Malformed,
};

use super::padding;

/// Most recipients of one envelope, the sender included.
pub const MAX_RECIPIENTS: usize = 100;
/// Fewest recipients: the sender and one other.
pub const MIN_RECIPIENTS: usize = 2;
/// Most parents that an envelope names.
pub const MAX_PARENTS: usize = 8;

const VERSION: u8 = 1;
/// X-Wing, HKDF-SHA-256, AES-256-GCM, Ed25519.
const SUITE: u8 = 1;

/// What the conversation id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ConversationKind {
    /// Exactly the recipients: the id is [`ConversationId::of_set`] of them.
    Set = 1,
}

/// One recipient: who, by which identity key, through which prekey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The account.
    pub account: AccountId,
    /// Its identity key, as the sender knows it.
    pub identity: Fingerprint,
    /// The prekey that the content key is sealed to.
    pub prekey: PrekeyId,
    /// How that prekey is used.
    pub prekey_kind: PrekeyKind,
}

/// The header, in the order in which it travels; integers are big-endian.
///
/// ```text
/// version (1) suite (1) conversation (32) kind (1) message id (16) sender (16)
/// recipient count (u16), each: account (16) identity (32) prekey id (u32) prekey kind (1)
/// parent count (1), each: envelope hash (32)
/// sent at (u64, ms since 1970) expires at (u64, 0 = never) key-log head (32) padded length (u32)
/// ```
///
/// Recipients and parents stand in ascending order, each once: one header has one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The conversation.
    pub conversation: ConversationId,
    /// What the conversation's id stands for.
    pub kind: ConversationKind,
    /// The message's id.
    pub message: MessageId,
    /// Who wrote and signed it.
    pub sender: AccountId,
    /// Everyone who can open it, the sender included.
    pub recipients: Vec<Recipient>,
    /// The last messages that the sender had seen in the conversation.
    pub parents: Vec<EnvelopeHash>,
    /// When the sender says it was written, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// When it is to be gone, in milliseconds since 1970; 0 = never.
    pub expires_at_ms: u64,
    /// Head of the sender's key log; zeros as long as accounts have none.
    pub key_log_head: [u8; 32],
    /// Length of the padded content, in bytes.
    pub padded_len: u32,
}

impl Header {
    /// The place of `account` among the recipients.
    pub fn place_of(&self, account: AccountId) -> Option<usize> {
        self.recipients.binary_search_by_key(&account, |recipient| recipient.account).ok()
    }

    /// The accounts that can open the envelope.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.recipients.iter().map(|recipient| recipient.account)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160 + 53 * self.recipients.len() + 32 * self.parents.len());
        bytes.extend_from_slice(&[VERSION, SUITE]);
        bytes.extend_from_slice(&self.conversation.to_bytes());
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.message.to_bytes());
        bytes.extend_from_slice(&self.sender.to_bytes());
        bytes.extend_from_slice(&(self.recipients.len() as u16).to_be_bytes());
        for recipient in &self.recipients {
            bytes.extend_from_slice(&recipient.account.to_bytes());
            bytes.extend_from_slice(&recipient.identity.to_bytes());
            bytes.extend_from_slice(&recipient.prekey.0.to_be_bytes());
            bytes.push(recipient.prekey_kind as u8);
        }
        bytes.push(self.parents.len() as u8);
        for parent in &self.parents {
            bytes.extend_from_slice(&parent.to_bytes());
        }
        bytes.extend_from_slice(&self.sent_at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.expires_at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.key_log_head);
        bytes.extend_from_slice(&self.padded_len.to_be_bytes());
        bytes
    }

    /// Reads a header from the front of `bytes` and returns what follows it.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader(bytes);
        let [version, suite] = reader.array()?;
        if version != VERSION || suite != SUITE {
            return Err(Malformed("has a version or suite that is not known"));
        }
        let conversation = ConversationId::from_bytes(reader.array()?);
        let [kind] = reader.array()?;
        let kind = match kind {
            1 => ConversationKind::Set,
            _ => return Err(Malformed("names a kind of conversation that this version does not know")),
        };
        let message = MessageId::from_bytes(reader.array()?);
        let sender = AccountId::from_bytes(reader.array()?);
        let recipient_count = usize::from(u16::from_be_bytes(reader.array()?));
        if !(MIN_RECIPIENTS..=MAX_RECIPIENTS).contains(&recipient_count) {
            return Err(Malformed("has too few or too many recipients"));
        }
        let mut recipients = Vec::with_capacity(recipient_count);
        for _ in 0..recipient_count {
            recipients.push(Recipient {
                account: AccountId::from_bytes(reader.array()?),
                identity: Fingerprint::from_bytes(reader.array()?),
                prekey: PrekeyId(u32::from_be_bytes(reader.array()?)),
                prekey_kind: PrekeyKind::parse(reader.array::<1>()?[0])?,
            });
        }
        if !recipients.is_sorted_by(|one, next| one.account < next.account) {
            return Err(Malformed("has recipients out of order or twice"));
        }
        let [parent_count] = reader.array()?;
        if usize::from(parent_count) > MAX_PARENTS {
            return Err(Malformed("has too many parents"));
        }
        let mut parents = Vec::with_capacity(usize::from(parent_count));
        for _ in 0..parent_count {
            parents.push(EnvelopeHash::from_bytes(reader.array()?));
        }
        if !parents.is_sorted_by(|one, next| one < next) {
            return Err(Malformed("has parents out of order or twice"));
        }
        let header = Self {
            conversation,
            kind,
            message,
            sender,
            recipients,
            parents,
            sent_at_ms: u64::from_be_bytes(reader.array()?),
            expires_at_ms: u64::from_be_bytes(reader.array()?),
            key_log_head: reader.array()?,
            padded_len: u32::from_be_bytes(reader.array()?),
        };
        if header.place_of(sender).is_none() {
            return Err(Malformed("does not have its sender among the recipients"));
        }
        if !padding::is_padded_len(header.padded_len as usize) {
            return Err(Malformed("has a length that padding does not produce"));
        }
        match kind {
            ConversationKind::Set if conversation != ConversationId::of_set(header.accounts()) => {
                return Err(Malformed("has a conversation that is not the one of its recipients"));
            }
            ConversationKind::Set => {}
        }
        Ok((header, reader.0))
    }
}

/// Takes fixed-size pieces from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed("is too short"))?;
        self.0 = rest;
        Ok(*array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Header {
        let accounts = [1, 2, 3].map(|byte| AccountId::from_bytes([byte; 16]));
        Header {
            conversation: ConversationId::of_set(accounts),
            kind: ConversationKind::Set,
            message: MessageId::from_bytes([4; 16]),
            sender: accounts[1],
            recipients: accounts.map(recipient).into(),
            parents: [5, 6].map(|byte| EnvelopeHash::from_bytes([byte; 32])).into(),
            sent_at_ms: 7,
            expires_at_ms: 0,
            key_log_head: [0; 32],
            padded_len: 256,
        }
    }

    fn recipient(account: AccountId) -> Recipient {
        Recipient {
            account,
            identity: Fingerprint::from_bytes([8; 32]),
            prekey: PrekeyId(9),
            prekey_kind: PrekeyKind::Signed,
        }
    }

    #[test]
    fn a_header_is_read_back_and_leaves_the_rest() {
        let bytes = [sound().to_bytes(), b"rest".to_vec()].concat();
        assert_eq!(Header::parse(&bytes).unwrap(), (sound(), b"rest".as_slice()));
    }

    #[test]
    fn a_header_has_one_spelling() {
        let changes: [fn(&mut Header); 12] = [
            |header| header.recipients.swap(0, 1),
            |header| header.recipients[0].account = header.recipients[1].account,
            |header| header.recipients.truncate(1),
            |header| header.recipients = vec![header.recipients[0]; MAX_RECIPIENTS + 1],
            |header| header.parents.swap(0, 1),
            |header| header.parents[0] = header.parents[1],
            |header| {
                header.parents = (0..=MAX_PARENTS as u8).map(|n| EnvelopeHash::from_bytes([n; 32])).collect();
            },
            |header| header.sender = AccountId::from_bytes([9; 16]),
            |header| header.conversation = ConversationId::from_bytes([0; 32]),
            |header| header.padded_len = 0,
            |header| header.padded_len = 257,
            |header| header.padded_len = u32::MAX,
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut header = sound();
            change(&mut header);
            assert!(Header::parse(&header.to_bytes()).is_err(), "change {index}");
        }
    }

    #[test]
    fn too_many_recipients_are_refused_even_in_order() {
        let header_to = |count: usize| {
            let accounts: Vec<_> = (0..count).map(|n| AccountId::from_bytes([n as u8; 16])).collect();
            Header {
                conversation: ConversationId::of_set(accounts.iter().copied()),
                recipients: accounts.into_iter().map(recipient).collect(),
                ..sound()
            }
        };
        assert!(Header::parse(&header_to(MAX_RECIPIENTS).to_bytes()).is_ok());
        assert!(Header::parse(&header_to(MAX_RECIPIENTS + 1).to_bytes()).is_err());
    }

    #[test]
    fn unknown_versions_suites_and_kinds_are_refused() {
        let prekey_kind = 2 + 32 + 1 + 16 + 16 + 2 + 52;
        for at in [0, 1, 34, prekey_kind] {
            for other in [0, 2, 255] {
                let mut bytes = sound().to_bytes();
                assert_eq!(bytes[at], 1);
                bytes[at] = other;
                assert!(Header::parse(&bytes).is_err(), "{other} at {at}");
            }
        }
    }
}

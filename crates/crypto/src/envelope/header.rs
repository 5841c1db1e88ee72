//! The envelope's header: what the server may read, and what the signature binds.

use crate::{
    id::{AccountId, ConversationId, DeviceId, EnvelopeHash, Fingerprint, LogHash, MessageId, PrekeyId},
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

/// Most seals of one envelope: a disappearing message has one for each device.
pub const MAX_SEALS: usize = 200;

/// Signed by the identity key, everyone has one seal, the sender too.
const VERSION_OF_IDENTITY: u8 = 1;
/// Signed by a device; prekeys of all kinds.
const VERSION_OF_DEVICE: u8 = 2;
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
    /// Which of its devices, where the seal is for one only; of the sender's own place, the device that wrote.
    pub device: Option<DeviceId>,
    /// How the content key reaches it.
    pub way: Way,
}

/// How the content key reaches a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Sealed to this prekey.
    Sealed(PrekeyKind, PrekeyId),
    /// Not by a seal: it is the sender, whose device keeps or archives the key itself.
    Own,
    /// Not at all: no device of this member could take the message.
    Absent,
}

const OWN: u8 = 4;
const ABSENT: u8 = 5;

impl Way {
    /// Whether there is a seal.
    pub fn is_sealed(self) -> bool {
        matches!(self, Self::Sealed(..))
    }

    fn to_bytes(self) -> [u8; 5] {
        let (id, kind) = match self {
            Self::Sealed(kind, id) => (id.0, kind as u8),
            Self::Own => (0, OWN),
            Self::Absent => (0, ABSENT),
        };
        let [a, b, c, d] = id.to_be_bytes();
        [a, b, c, d, kind]
    }

    fn parse([a, b, c, d, kind]: [u8; 5]) -> Result<Self, Malformed> {
        let id = u32::from_be_bytes([a, b, c, d]);
        match kind {
            OWN if id == 0 => Ok(Self::Own),
            ABSENT if id == 0 => Ok(Self::Absent),
            OWN | ABSENT => Err(Malformed("has a prekey where there is no seal")),
            _ => Ok(Self::Sealed(PrekeyKind::parse(kind)?, PrekeyId(id))),
        }
    }
}

/// The header, in the order in which it travels; integers are big-endian.
///
/// ```text
/// version (1) suite (1) conversation (32) kind (1) message id (16) sender (16)
/// recipient count (u16), each: account (16) identity (32) [device (16)] prekey id (u32) prekey kind (1)
/// parent count (1), each: envelope hash (32)
/// sent at (u64, ms since 1970) expires (8) key-log head (32) padded length (u32)
/// ```
///
/// Version 1 has no devices, and its expiry is a time in ms since 1970. Version 2 is signed by the device in the sender's
/// own place, and its expiry is a timer in seconds. Both: 0 = never. Recipients (by account, then device) and parents stand
/// in ascending order, each once: one header has one spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The conversation.
    pub conversation: ConversationId,
    /// What the conversation's id stands for.
    pub kind: ConversationKind,
    /// The message's id.
    pub message: MessageId,
    /// Who wrote it.
    pub sender: AccountId,
    /// Which of the sender's devices signed it. `None`: the identity key did, as in version 1.
    pub device: Option<DeviceId>,
    /// Everyone in the conversation, the sender included; a member has several places where devices have seals of their own.
    pub recipients: Vec<Recipient>,
    /// The last messages that the sender had seen in the conversation.
    pub parents: Vec<EnvelopeHash>,
    /// When the sender says it was written, in milliseconds since 1970.
    pub sent_at_ms: u64,
    /// When it is to be gone.
    pub expiry: Expiry,
    /// Head of the sender's device log, as the sender knows it; zeros in version 1.
    pub log_head: LogHash,
    /// Length of the padded content, in bytes.
    pub padded_len: u32,
}

/// When a message is to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It stays.
    Never,
    /// At this time, in milliseconds since 1970 (version 1; nothing ever acted on it).
    AtMs(u64),
    /// So many seconds after the relay has taken it (version 2).
    AfterSeconds(u32),
}

impl Expiry {
    fn to_field(self) -> u64 {
        match self {
            Self::Never => 0,
            Self::AtMs(at_ms) => at_ms,
            Self::AfterSeconds(seconds) => u64::from(seconds),
        }
    }

    fn from_field(version: u8, field: u64) -> Result<Self, Malformed> {
        match field {
            0 => Ok(Self::Never),
            at_ms if version == VERSION_OF_IDENTITY => Ok(Self::AtMs(at_ms)),
            seconds => u32::try_from(seconds)
                .map(Self::AfterSeconds)
                .map_err(|_| Malformed("has a timer that is too long")),
        }
    }
}

impl Header {
    /// The first place of `account` among the recipients.
    pub fn place_of(&self, account: AccountId) -> Option<usize> {
        let first = self.recipients.partition_point(|recipient| recipient.account < account);
        self.recipients.get(first).filter(|recipient| recipient.account == account).map(|_| first)
    }

    /// All places of `account`.
    pub fn places_of(&self, account: AccountId) -> impl Iterator<Item = (usize, &Recipient)> {
        let places = self.recipients.iter().enumerate();
        places.filter(move |(_, recipient)| recipient.account == account)
    }

    /// The accounts of the conversation, each once.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> {
        let mut before = None;
        self.recipients.iter().map(|recipient| recipient.account).filter(move |account| {
            let is_new = before != Some(*account);
            before = Some(*account);
            is_new
        })
    }

    /// How many seals the envelope has.
    pub fn seal_count(&self) -> usize {
        self.recipients.iter().filter(|recipient| recipient.way.is_sealed()).count()
    }

    /// Which of the seals is the one of the recipient at `place`.
    pub fn seal_of_place(&self, place: usize) -> Option<usize> {
        let recipient = self.recipients.get(place)?;
        let before = self.recipients[..place].iter().filter(|recipient| recipient.way.is_sealed()).count();
        recipient.way.is_sealed().then_some(before)
    }

    /// Whether the message's keys are on single devices only, and it is never archived.
    pub fn disappears(&self) -> bool {
        matches!(self.expiry, Expiry::AfterSeconds(_))
    }

    fn version(&self) -> u8 {
        if self.device.is_some() { VERSION_OF_DEVICE } else { VERSION_OF_IDENTITY }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160 + 69 * self.recipients.len() + 32 * self.parents.len());
        bytes.extend_from_slice(&[self.version(), SUITE]);
        bytes.extend_from_slice(&self.conversation.to_bytes());
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.message.to_bytes());
        bytes.extend_from_slice(&self.sender.to_bytes());
        bytes.extend_from_slice(&(self.recipients.len() as u16).to_be_bytes());
        for recipient in &self.recipients {
            bytes.extend_from_slice(&recipient.account.to_bytes());
            bytes.extend_from_slice(&recipient.identity.to_bytes());
            if self.version() == VERSION_OF_DEVICE {
                bytes.extend_from_slice(&DeviceId::to_field(recipient.device));
            }
            bytes.extend_from_slice(&recipient.way.to_bytes());
        }
        bytes.push(self.parents.len() as u8);
        for parent in &self.parents {
            bytes.extend_from_slice(&parent.to_bytes());
        }
        bytes.extend_from_slice(&self.sent_at_ms.to_be_bytes());
        bytes.extend_from_slice(&self.expiry.to_field().to_be_bytes());
        bytes.extend_from_slice(&self.log_head.to_bytes());
        bytes.extend_from_slice(&self.padded_len.to_be_bytes());
        bytes
    }

    /// Reads a header from the front of `bytes` and returns what follows it.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Malformed> {
        let mut reader = Reader(bytes);
        let [version, suite] = reader.array()?;
        if !(VERSION_OF_IDENTITY..=VERSION_OF_DEVICE).contains(&version) || suite != SUITE {
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
        let recipients = parse_recipients(version, &mut reader)?;
        let parents = parse_parents(&mut reader)?;
        let own = recipients.iter().find(|recipient| recipient.way == Way::Own);
        let header = Self {
            conversation,
            kind,
            message,
            sender,
            device: own.and_then(|own| own.device),
            recipients,
            parents,
            sent_at_ms: u64::from_be_bytes(reader.array()?),
            expiry: Expiry::from_field(version, u64::from_be_bytes(reader.array()?))?,
            log_head: LogHash::from_bytes(reader.array()?),
            padded_len: u32::from_be_bytes(reader.array()?),
        };
        header.check(version)?;
        Ok((header, reader.0))
    }

    /// That all parts of a header agree with each other.
    fn check(&self, version: u8) -> Result<(), Malformed> {
        if self.place_of(self.sender).is_none() {
            return Err(Malformed("does not have its sender among the recipients"));
        }
        if version == VERSION_OF_DEVICE {
            self.check_ways()?;
        }
        let fewest = if version == VERSION_OF_IDENTITY { MIN_RECIPIENTS } else { 1 };
        if !(fewest..=MAX_RECIPIENTS).contains(&self.accounts().count()) || self.seal_count() > MAX_SEALS {
            return Err(Malformed("has too few or too many recipients"));
        }
        if !padding::is_padded_len(self.padded_len as usize) {
            return Err(Malformed("has a length that padding does not produce"));
        }
        match self.kind {
            ConversationKind::Set if self.conversation != ConversationId::of_set(self.accounts()) => {
                Err(Malformed("has a conversation that is not the one of its recipients"))
            }
            ConversationKind::Set => Ok(()),
        }
    }

    /// That each recipient is reached in a way that fits who they are, and whether the message disappears.
    pub(super) fn check_ways(&self) -> Result<(), Malformed> {
        let mut own = 0;
        for recipient in &self.recipients {
            let is_sender = recipient.account == self.sender;
            let fits = match recipient.way {
                Way::Own => {
                    own += 1;
                    is_sender && recipient.device.is_some()
                }
                Way::Absent => !is_sender && recipient.device.is_none() && self.disappears(),
                Way::Sealed(PrekeyKind::Device, _) => recipient.device.is_some() && self.disappears(),
                Way::Sealed(PrekeyKind::Signed | PrekeyKind::OneTime, _) => {
                    !is_sender && recipient.device.is_none() && !self.disappears()
                }
            };
            if !fits {
                return Err(Malformed("reaches a recipient in a way that does not fit"));
            }
        }
        // Without a device a place stands for all of the account: there is no other beside it. And one account has one key.
        let sound = self.recipients.windows(2).all(|pair| {
            pair[0].account != pair[1].account
                || pair[0].device.is_some() && pair[0].identity == pair[1].identity
        });
        if own == 1 && sound {
            Ok(())
        } else {
            Err(Malformed("has a recipient twice, or not its sender's device"))
        }
    }
}

fn parse_recipients(version: u8, reader: &mut Reader<'_>) -> Result<Vec<Recipient>, Malformed> {
    let count = usize::from(u16::from_be_bytes(reader.array()?));
    if !(1..=MAX_SEALS + MAX_RECIPIENTS).contains(&count) {
        return Err(Malformed("has too few or too many recipients"));
    }
    let mut recipients = Vec::with_capacity(count);
    for _ in 0..count {
        let account = AccountId::from_bytes(reader.array()?);
        let identity = Fingerprint::from_bytes(reader.array()?);
        let (device, way) = if version == VERSION_OF_IDENTITY {
            let way = Way::parse(reader.array()?)?;
            if !matches!(way, Way::Sealed(PrekeyKind::Signed, _)) {
                return Err(Malformed("names a kind of prekey that its version does not know"));
            }
            (None, way)
        } else {
            (DeviceId::from_field(reader.array()?), Way::parse(reader.array()?)?)
        };
        recipients.push(Recipient { account, identity, device, way });
    }
    let place = |recipient: &Recipient| (recipient.account, recipient.device);
    if !recipients.is_sorted_by(|one, next| place(one) < place(next)) {
        return Err(Malformed("has recipients out of order or twice"));
    }
    Ok(recipients)
}

fn parse_parents(reader: &mut Reader<'_>) -> Result<Vec<EnvelopeHash>, Malformed> {
    let [count] = reader.array()?;
    if usize::from(count) > MAX_PARENTS {
        return Err(Malformed("has too many parents"));
    }
    let mut parents = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        parents.push(EnvelopeHash::from_bytes(reader.array()?));
    }
    if !parents.is_sorted_by(|one, next| one < next) {
        return Err(Malformed("has parents out of order or twice"));
    }
    Ok(parents)
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
            device: None,
            expiry: Expiry::Never,
            log_head: LogHash::from_bytes([0; 32]),
            padded_len: 256,
        }
    }

    fn recipient(account: AccountId) -> Recipient {
        Recipient {
            account,
            identity: Fingerprint::from_bytes([8; 32]),
            device: None,
            way: Way::Sealed(PrekeyKind::Signed, PrekeyId(9)),
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
            for other in [0, 3, 255] {
                let mut bytes = sound().to_bytes();
                assert_eq!(bytes[at], 1);
                bytes[at] = other;
                assert!(Header::parse(&bytes).is_err(), "{other} at {at}");
            }
        }
    }

    const DEVICE: Option<DeviceId> = Some(DeviceId::from_bytes([7; 16]));

    /// A sound header of version 2: a one-time prekey, the signed one, and the sender between the two.
    fn by_device() -> Header {
        let mut header = sound();
        header.device = DEVICE;
        header.log_head = LogHash::from_bytes([6; 32]);
        header.recipients[0].way = Way::Sealed(PrekeyKind::OneTime, PrekeyId(3));
        header.recipients[1] = Recipient { device: DEVICE, way: Way::Own, ..header.recipients[1] };
        header
    }

    /// The same as a disappearing message: two devices of the first, none of the last, another of the sender's own.
    fn disappearing() -> Header {
        let mut header = by_device();
        header.expiry = Expiry::AfterSeconds(300);
        let device = |number: u8| Some(DeviceId::from_bytes([number; 16]));
        let sealed = Way::Sealed(PrekeyKind::Device, PrekeyId(5));
        let [first, own, last] = [0, 1, 2].map(|index| header.recipients[index]);
        header.recipients = vec![
            Recipient { device: device(1), way: sealed, ..first },
            Recipient { device: device(2), way: sealed, ..first },
            own,
            Recipient { device: device(9), way: sealed, ..own },
            Recipient { way: Way::Absent, ..last },
        ];
        header
    }

    #[test]
    fn headers_of_devices_are_read_back() {
        for header in [by_device(), disappearing()] {
            assert_eq!(Header::parse(&header.to_bytes()).unwrap(), (header.clone(), [].as_slice()));
        }
        let header = disappearing();
        assert_eq!((header.accounts().count(), header.seal_count()), (3, 3));
        let seals: Vec<_> = (0..5).map(|place| header.seal_of_place(place)).collect();
        assert_eq!(seals, [Some(0), Some(1), None, Some(2), None]);
        assert_eq!(header.places_of(header.sender).count(), 2);
    }

    #[test]
    fn each_recipient_is_reached_in_a_way_that_fits() {
        let changes: [fn(&mut Header); 12] = [
            // One-time and signed prekeys are the account's, a device's is its own.
            |header| header.recipients[0].device = DEVICE,
            |header| header.recipients[0].way = Way::Sealed(PrekeyKind::Device, PrekeyId(3)),
            |header| header.recipients[1].way = Way::Sealed(PrekeyKind::OneTime, PrekeyId(3)),
            |header| header.recipients[1].way = Way::Absent,
            |header| header.recipients[2].way = Way::Own,
            |header| header.expiry = Expiry::AfterSeconds(5),
            |header| {
                *header = disappearing();
                header.expiry = Expiry::Never;
            },
            |header| {
                *header = disappearing();
                header.recipients[0].way = Way::Sealed(PrekeyKind::OneTime, PrekeyId(3));
            },
            |header| {
                *header = disappearing();
                header.recipients[1].device = header.recipients[0].device;
            },
            |header| {
                *header = disappearing();
                header.recipients[1].identity = Fingerprint::from_bytes([1; 32]);
            },
            |header| {
                *header = disappearing();
                header.recipients[0] = Recipient { device: None, way: Way::Absent, ..header.recipients[0] };
            },
            |header| {
                *header = disappearing();
                header.recipients[3].way = Way::Own;
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut header = by_device();
            change(&mut header);
            assert!(Header::parse(&header.to_bytes()).is_err(), "change {index}");
        }
    }

    #[test]
    fn a_timer_is_a_number_of_seconds() {
        let mut bytes = disappearing().to_bytes();
        let timer_at = bytes.len() - 4 - 32 - 8;
        assert_eq!(bytes[timer_at..timer_at + 8], 300u64.to_be_bytes());
        bytes[timer_at] = 1;
        assert!(Header::parse(&bytes).is_err());
    }
}

//! Ids: each kind of thing has its own type, and all look alike as text (base64url).

use rand_core::CryptoRng;

use crate::{hash::sha256, text::Malformed, text::as_base64url};

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const BYTES: usize = $len;

            /// The id that these bytes spell.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The bytes, in the order in which they travel.
            pub const fn to_bytes(&self) -> [u8; $len] {
                self.0
            }

            /// Reads exactly [`Self::BYTES`] bytes.
            ///
            /// # Errors
            /// When the length is another one.
            pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
                bytes.try_into().map(Self).map_err(|_| Malformed("has the wrong length"))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        as_base64url!($name);
    };
}

id_type!(
    /// An account: 128 random bits, chosen by the device at sign-up, never reused.
    AccountId,
    16
);
id_type!(
    /// A message: 128 random bits, chosen by the sender's device. It is the idempotency key of sending, for ever.
    MessageId,
    16
);
id_type!(
    /// A session: its public name, by which it is listed and ended. It opens nothing.
    SessionId,
    16
);
id_type!(
    /// A device of an account: 128 random bits, drawn by the device itself, never reused. Never all zeros: those stand for
    /// no device in headers.
    DeviceId,
    16
);
id_type!(
    /// An archive epoch: 128 random bits, so that the epochs of two vaults never meet.
    EpochId,
    16
);
id_type!(
    /// SHA-256 of an entry of a device log, which covers all entries before it: see [`crate::device_log`].
    LogHash,
    32
);
id_type!(
    /// A conversation. For a set of accounts it is derived from the set: see [`ConversationId::of_set`].
    ConversationId,
    32
);
id_type!(
    /// SHA-256 of the bytes that an envelope's signature covers: one name for one envelope, the same for everyone.
    EnvelopeHash,
    32
);
id_type!(
    /// SHA-256 of an account's identity key, bound to its purpose.
    Fingerprint,
    32
);

id_type!(
    /// SHA-256 of a one-time secret, bound to its purpose: all that a server keeps of it.
    TokenHash,
    32
);

macro_rules! random_id {
    ($($name:ident)*) => {
        $(impl $name {
            /// A new id.
            pub fn random(rng: &mut impl CryptoRng) -> Self {
                let mut bytes = [0; Self::BYTES];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }
        })*
    };
}

random_id!(AccountId DeviceId EpochId MessageId SessionId);

impl DeviceId {
    /// How a header spells it: zeros where there is none.
    pub(crate) fn to_field(device: Option<Self>) -> [u8; 16] {
        device.map_or([0; 16], |device| device.0)
    }

    /// What [`Self::to_field`] spelled.
    pub(crate) fn from_field(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }
}

impl ConversationId {
    /// The conversation of exactly these accounts: whoever starts it, in whatever order, finds the same one.
    pub fn of_set(members: impl IntoIterator<Item = AccountId>) -> Self {
        let mut members: Vec<AccountId> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        let mut bytes = Vec::with_capacity(members.len() * AccountId::BYTES);
        for member in &members {
            bytes.extend_from_slice(&member.0);
        }
        Self(sha256(&[b"secure-messaging/1 conversation of a set", &bytes]))
    }
}

/// A prekey of one account: counted up by its owner from 1, never reused. The default, 0, is before the first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct PrekeyId(pub u32);

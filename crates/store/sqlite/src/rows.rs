//! Between the database's values and the relay's.

use core::fmt::Display;
use core::str::FromStr;

use crypto::{
    Malformed,
    account_key::WrappedAccountKey,
    device::DevicePublic,
    device_log::LogEntry,
    id::{AccountId, DeviceId, EnvelopeHash, EpochId, Fingerprint, MessageId, SessionId},
    identity::IdentityPublic,
    kdf::KdfParams,
    prekey::SignedPrekey,
};
use protocol::{EmailAddress, Username, vault::VaultKind};
use relay::port::StoreError;

/// Reads columns of one table; what does not read is named with its table.
#[derive(Clone, Copy)]
pub(crate) struct Table(pub(crate) &'static str);

impl Table {
    pub(crate) fn parse<T: Stored>(self, bytes: &[u8]) -> Result<T, StoreError> {
        T::parse_stored(bytes).map_err(|problem| self.corrupt(problem))
    }

    pub(crate) fn username(self, text: &str) -> Result<Username, StoreError> {
        Username::from_str(text).map_err(|problem| self.corrupt(problem))
    }

    pub(crate) fn bytes<const N: usize>(self, bytes: &[u8]) -> Result<[u8; N], StoreError> {
        bytes.try_into().map_err(|_| self.corrupt("a value has the wrong length"))
    }

    pub(crate) fn number(self, integer: i64) -> Result<u64, StoreError> {
        u64::try_from(integer).map_err(|_| self.corrupt("a number is negative"))
    }

    pub(crate) fn small_number(self, integer: i64) -> Result<u32, StoreError> {
        u32::try_from(integer).map_err(|_| self.corrupt("a number is negative or too large"))
    }

    pub(crate) fn vault_kind(self, number: i64) -> Result<VaultKind, StoreError> {
        [
            VaultKind::Identity,
            VaultKind::Prekey,
            VaultKind::Pin,
            VaultKind::PastIdentity,
            VaultKind::OneTimePrekeys,
            VaultKind::ArchiveKey,
        ]
        .into_iter()
        .find(|kind| *kind as i64 == number)
        .ok_or_else(|| self.corrupt("a kind is not known"))
    }

    pub(crate) fn corrupt(self, problem: impl Display) -> StoreError {
        StoreError::Corrupt { table: self.0, problem: problem.to_string() }
    }
}

/// An address as it stands. The first version took a few that no mail is sent to today: they count as none, so that their
/// owners can still sign in and set another.
pub(crate) fn email(text: Option<&str>) -> Option<EmailAddress> {
    text.and_then(|text| text.parse().ok())
}

/// A number as SQLite keeps it. Times, cursors and versions stay far below 2^63.
pub(crate) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What reads itself from bytes.
pub(crate) trait Stored: Sized {
    fn parse_stored(bytes: &[u8]) -> Result<Self, Malformed>;
}

macro_rules! stored {
    ($($name:ident)*) => {
        $(impl Stored for $name {
            fn parse_stored(bytes: &[u8]) -> Result<Self, Malformed> {
                Self::parse(bytes)
            }
        })*
    };
}

stored!(
    AccountId DeviceId DevicePublic EnvelopeHash EpochId Fingerprint IdentityPublic KdfParams LogEntry MessageId SessionId
    SignedPrekey WrappedAccountKey
);

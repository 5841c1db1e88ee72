//! The port to the platform: what a browser, a terminal or a test gives to the engine.

use core::convert::Infallible;
use std::future::Future;

use crypto::kdf::{KdfParams, StretchedPassword};
use protocol::{Call, Refusal};
use rand_core::{TryCryptoRng, TryRng};

/// What a platform gives: calls to the relay, records that outlast a restart, time, randomness, and PBKDF2 as fast as
/// the platform can.
///
/// Nothing here needs threads, and the futures need not be `Send`: one implementation stands on a browser's fetch and
/// IndexedDB, another on a terminal's HTTP client and files, a third on maps in memory.
///
/// **Records.** Names are text (base64url, `/`, letters, digits), values are bytes that are sealed already. Several
/// tabs share the records of one device, at the same time; the engine relies on two promises: a [`Device::write`] is
/// seen as a whole or not at all, and of several [`Device::put_if_absent`] under one name one wins and all learn which.
pub trait Device: 'static {
    /// Posts the request to [`Call::PATH`] as JSON and reads the answer strictly. The session travels beside it (a
    /// cookie in browsers, a bearer token in programs): the implementation keeps it.
    fn call<C: Call>(&self, request: C) -> impl Future<Output = Result<C::Answer, CallError>>;

    /// PBKDF2-HMAC-SHA-256 with these parameters: [`KdfParams::stretch`], or WebCrypto where there is one.
    fn stretch(&self, params: &KdfParams, password: &str) -> impl Future<Output = StretchedPassword>;

    /// The record of this name.
    fn read(&self, name: &str) -> impl Future<Output = Result<Option<Vec<u8>>, StoreUnavailable>>;

    /// All records whose names begin so, in the order of their names.
    fn scan(&self, prefix: &str) -> impl Future<Output = Result<Vec<(String, Vec<u8>)>, StoreUnavailable>>;

    /// Makes all the changes, in this order, in one transaction: after a crash either all of them stand or none.
    fn write(&self, changes: Vec<Change>) -> impl Future<Output = Result<(), StoreUnavailable>>;

    /// Keeps `bytes` under `name` if nothing is there, and returns what stands there now: the caller's bytes, or those
    /// of the tab that came first. One transaction.
    fn put_if_absent(
        &self,
        name: &str,
        bytes: Vec<u8>,
    ) -> impl Future<Output = Result<Vec<u8>, StoreUnavailable>>;

    /// Lets others have the processor for a moment: called between pages of a long synchronisation. In a browser it
    /// returns to the event loop once, so that the page stays responsive.
    fn breathe(&self) -> impl Future<Output = ()> {
        async {}
    }

    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;

    /// Fills `bytes` from the platform's cryptographic random number generator.
    fn fill(&self, bytes: &mut [u8]);
}

/// One change of the device's records.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// The record of this name is now this.
    Put {
        /// Its name.
        name: String,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// There is no record of this name any more.
    Remove {
        /// Its name.
        name: String,
    },
    /// There is no record any more whose name begins so.
    RemoveAll {
        /// The beginning of their names.
        prefix: String,
    },
}

/// Prints names and lengths only.
impl core::fmt::Debug for Change {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Put { name, bytes } => write!(f, "Put({name}, {} bytes)", bytes.len()),
            Self::Remove { name } => write!(f, "Remove({name})"),
            Self::RemoveAll { prefix } => write!(f, "RemoveAll({prefix}…)"),
        }
    }
}

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The relay answered with a refusal.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No answer came. Whether the request arrived is not known.
    #[error("The server cannot be reached")]
    Unreachable,
    /// An answer came that is not one: not JSON, not of the call's form, or with values that a device must refuse (key
    /// derivation parameters below the floor, for one). The text says which, and holds nothing secret.
    #[error("The server's answer cannot be used: {0}")]
    BadAnswer(String),
}

/// The device's own store cannot be read or written: storage is full, blocked, or gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This device cannot keep anything at the moment: free some space, or leave private browsing")]
pub struct StoreUnavailable;

/// The device's randomness as a generator for the cryptography.
pub struct DeviceRng<'a, D>(pub &'a D);

impl<D: Device> TryRng for DeviceRng<'_, D> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}

/// [`Device::fill`] promises cryptographic quality.
impl<D: Device> TryCryptoRng for DeviceRng<'_, D> {}

//! Devices: each signed-in browser or program has a key of its own, for which the account's device log vouches.

use crypto::{device_log::LogEntry, id::Fingerprint};
use serde::{Deserialize, Serialize};

use crate::id::AccountId;

/// Appends an entry to the caller's device log: compare and set, by the entry's position and the hash before it. The same
/// entry again gets the same answer.
///
/// A device that is added becomes that of the calling session. A device that is revoked loses its session, at once, and its
/// prekeys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppendLog {
    /// The entry, signed by the account's identity key.
    pub entry: LogEntry,
}

/// The entry is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogAppended {}

/// Asks for what device logs hold after what is known of them; at most [`MAX_LOGS`](crate::limits::MAX_LOGS) at once. Those
/// of identity keys from before a reset, and of accounts that were deleted, are still there: what they signed stays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchLogs {
    /// Which.
    pub logs: Vec<LogAfter>,
}

/// A log, and how much of it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogAfter {
    /// Whose.
    pub account: AccountId,
    /// Signed by which identity key.
    pub identity: Fingerprint,
    /// The position of the last entry that is known; 0 for all.
    pub after: u32,
}

/// The entries, in the order in which the logs were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// One for each that was asked for; where there is nothing new, it is empty. Together at most
    /// [`MAX_LOG_ENTRIES`](crate::limits::MAX_LOG_ENTRIES): who gets so many asks again.
    pub logs: Vec<Vec<LogEntry>>,
}

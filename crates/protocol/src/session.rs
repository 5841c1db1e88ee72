//! The sessions of an account: listed, ended, unlocked.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, SessionId, proof::Proof, text};

/// Name of the event that says that the account's sessions have changed: one began or ended.
pub const SESSIONS_EVENT: &str = "sessions";

/// Asks for the account's sessions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSessions {}

/// The sessions that have not ended, the one that was seen last first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// All of them.
    pub sessions: Vec<SessionInfo>,
}

/// One session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionInfo {
    /// Its name for ending it.
    pub session: SessionId,
    /// What it is called: the browser and the system, as the device itself says.
    #[serde(deserialize_with = "text::string")]
    pub device_name: String,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: u64,
    /// When it was last seen, to the minute.
    pub last_seen_at_ms: u64,
    /// Which device of the account's device log uses it; none before it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Ends one of the account's sessions, on every machine and at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndSession {
    /// Which.
    pub session: SessionId,
}

/// Ends all of the account's sessions but the one that asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndOtherSessions {}

/// They are over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsEnded {
    /// How many were ended.
    pub ended: u32,
}

/// Proves the password within a session that goes on: a page that was locked opens again. The second factor was asked for
/// when the session began, and is not asked for here.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unlock {
    /// The password once more.
    pub proof: Proof,
}

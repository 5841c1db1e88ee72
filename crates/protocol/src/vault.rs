//! The vault: rows of an account, sealed by its devices, kept in order by the relay.

pub use crypto::vault::VaultKind;
use crypto::{account_key::WrappedAccountKey, kdf::AuthKey, reset_proof::ResetProof};
use serde::{Deserialize, Serialize};

use crate::Binary;

/// Asks for all rows of the caller's vault.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchRows {}

/// The rows, in the order of kind and key id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// All rows of the vault.
    pub rows: Vec<Row>,
}

/// One sealed row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What it holds.
    pub kind: VaultKind,
    /// Which of its kind, at most [`MAX_VAULT_KEY_ID_BYTES`](crate::limits::MAX_VAULT_KEY_ID_BYTES).
    pub key_id: Binary,
    /// Counted up with every change, from 1; bound into the seal.
    pub version: u64,
    /// The seal, at most [`MAX_VAULT_ROW_BYTES`](crate::limits::MAX_VAULT_ROW_BYTES).
    pub sealed: Binary,
}

/// A first row of a new account: its version is 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRow {
    /// What it holds.
    pub kind: VaultKind,
    /// Which of its kind.
    pub key_id: Binary,
    /// The seal.
    pub sealed: Binary,
}

/// Writes a row, if the one that stands there has the version before: compare and set. Version 1 makes a new row.
/// The same row again gets the same answer; another row with a version that is taken is refused.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutRow {
    /// The row.
    pub row: Row,
    /// The version that stands there, 0 for none, when the row is given back to a server that was set back and lost those
    /// between; missing, it is the version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// The row is on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowPut {}

/// Asks for a vault that a reset put away, with what opens its account key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchSealedVault {
    /// Which.
    pub number: u32,
    /// The half of the password of that time which the server may check: then the answer has the password's wrap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_key: Option<AuthKey>,
}

/// A vault that was put away, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedVaultRows {
    /// Its account key, sealed by the recovery key of that time.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// Its account key, sealed by the password of that time; only when that was proven.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrapped_by_password: Option<WrappedAccountKey>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Removes a vault that was put away, after what it held was taken over. Nobody can who has not opened it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropSealedVault {
    /// Which.
    pub number: u32,
    /// The identity key that stands in it vouches for its end.
    pub proof: ResetProof,
}

/// It is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedVaultDropped {}

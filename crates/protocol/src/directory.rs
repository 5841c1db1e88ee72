//! The directory: who is there, and by which keys they are reached.

use crypto::{id::LogHash, identity::IdentityPublic, prekey::SignedPrekey};
use serde::{Deserialize, Serialize};

use crate::{Username, id::AccountId, text};

/// Asks for the registered users, in the order of their names, at most
/// [`MAX_USERS_PER_PAGE`](crate::limits::MAX_USERS_PER_PAGE) at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListUsers {
    /// Only names that begin so, in any case.
    #[serde(default, deserialize_with = "text::optional_string", skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only names after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Username>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Users {
    /// In the order of their names.
    pub users: Vec<User>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// A registered user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
}

/// Asks for the keys of accounts, at most [`MAX_RECIPIENTS`](crypto::envelope::MAX_RECIPIENTS) at once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchKeys {
    /// Whose keys.
    pub accounts: Vec<AccountId>,
}

/// The keys of the accounts that exist, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// One bundle for each known account.
    pub bundles: Vec<KeyBundle>,
    /// Those of the accounts that their owners deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<AccountId>,
}

/// By which keys an account is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyBundle {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// Its identity key: to be compared with the pin.
    pub identity: IdentityPublic,
    /// Its signed prekey: to be verified with the identity key.
    pub prekey: SignedPrekey,
    /// Since when that stands, in milliseconds since 1970: how long nobody has replaced it.
    pub prekey_at_ms: u64,
    /// How many entries its device log has under this identity key.
    pub log_length: u32,
    /// The hash of the last of them; zeros for none.
    pub log_head: LogHash,
}

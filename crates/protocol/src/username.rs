//! User names: 3 to 32 of the letters a–z, digits, `.`, `_`, `-`; the case of letters does not matter.

use core::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Fewest characters of a name.
pub const MIN_USERNAME_CHARS: usize = 3;
/// Most characters of a name.
pub const MAX_USERNAME_CHARS: usize = 32;

/// Names that would pass for the service itself or for one of its pages.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "everyone",
    "fn",
    "help",
    "inbox",
    "info",
    "login",
    "logout",
    "me",
    "moderator",
    "nobody",
    "null",
    "official",
    "operator",
    "postmaster",
    "register",
    "root",
    "secure-messaging",
    "security",
    "server",
    "settings",
    "staff",
    "support",
    "system",
    "undefined",
    "webmaster",
];

/// A user name, in lower case: two names that differ in case only are one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a name was not taken. The text is for the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameRefused {
    /// Too short or too long.
    #[error("A username has {MIN_USERNAME_CHARS} to {MAX_USERNAME_CHARS} characters")]
    Length,
    /// A character that names do not have.
    #[error("A username has only the letters a to z, digits, and . _ -")]
    Character,
    /// It begins with a sign.
    #[error("A username begins with a letter or a digit")]
    Beginning,
    /// Kept for the service.
    #[error("This username is reserved: choose another")]
    Reserved,
}

impl Username {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameRefused;

    fn from_str(text: &str) -> Result<Self, UsernameRefused> {
        if text.chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-')) {
            return Err(UsernameRefused::Character);
        }
        if !(MIN_USERNAME_CHARS..=MAX_USERNAME_CHARS).contains(&text.len()) {
            return Err(UsernameRefused::Length);
        }
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(UsernameRefused::Beginning);
        }
        let folded = text.to_ascii_lowercase();
        if RESERVED.contains(&folded.as_str()) {
            return Err(UsernameRefused::Reserved);
        }
        Ok(Self(folded))
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({})", self.0)
    }
}

impl Serialize for Username {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_strange_ones_refused() {
        let name = |text: &str| text.parse::<Username>();
        assert_eq!(name("Alice.B_2-x").unwrap().as_str(), "alice.b_2-x");
        assert_eq!(name("al"), Err(UsernameRefused::Length));
        assert_eq!(name(&"a".repeat(33)), Err(UsernameRefused::Length));
        for strange in ["ali ce", " alice", "älice", "аlice", "ali\0ce", "a/b", "<b>x"] {
            assert_eq!(name(strange), Err(UsernameRefused::Character), "{strange:?}");
        }
        assert_eq!(name("-alice"), Err(UsernameRefused::Beginning));
        assert_eq!(name("Admin"), Err(UsernameRefused::Reserved));
    }
}

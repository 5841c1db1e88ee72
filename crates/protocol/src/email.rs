//! E-mail addresses, as far as they can be judged without sending to them.

use core::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::{limits::MAX_EMAIL_BYTES, text::is_control};

/// An address: one `@` with something on both sides, and nothing that could end a header line of a mail or begin another
/// address. Written as its owner writes it; compared with the case of ASCII letters folded.
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// It is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is not an e-mail address: write it as name@example.org")]
pub struct EmailRefused;

impl EmailAddress {
    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For comparing: in lower case.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = EmailRefused;

    fn from_str(text: &str) -> Result<Self, EmailRefused> {
        let is_bad = |c: char| {
            c.is_whitespace()
                || is_control(c)
                || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ':' | '"' | '\\')
        };
        let (local, domain) = text.split_once('@').ok_or(EmailRefused)?;
        let is_form = text.len() <= MAX_EMAIL_BYTES
            && !text.chars().any(is_bad)
            && !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@');
        if is_form { Ok(Self(text.to_owned())) } else { Err(EmailRefused) }
    }
}

/// An address belongs to a person: logs do not hold it.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_nothing_that_breaks_a_header() {
        let check = |text: &str| text.parse::<EmailAddress>().is_ok();
        for good in ["a@b", "alice+box@example.org", "jörg@büro.example", "o'neill@example.org"] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "",
            "alice",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: x@y",
            "a@b\n",
            "a@b\u{2028}",
            "a@b\0",
            "<a@b>",
            "a@b,c",
            "a@b\u{202e}",
            "\"a\"@b",
            "a@[127.0.0.1]",
            "a(b)@c",
        ] {
            assert!(!check(bad), "{bad:?}");
        }
        assert!(check(&format!("{}@b", "a".repeat(MAX_EMAIL_BYTES - 2))));
        assert!(!check(&format!("{}@b", "a".repeat(MAX_EMAIL_BYTES - 1))));
    }

    #[test]
    fn addresses_that_differ_in_case_are_one() {
        let [one, other] = ["Alice@Example.org", "alice@example.ORG"].map(|text| text.parse().unwrap());
        let (one, other): (EmailAddress, EmailAddress) = (one, other);
        assert_eq!(one.folded(), other.folded());
        assert_eq!(one.as_str(), "Alice@Example.org");
        assert_eq!(format!("{one:?}"), "EmailAddress(..)");
    }
}

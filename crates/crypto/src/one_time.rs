//! Secrets that are good for one thing: links in mails, invitations, and the codes that stand in for a lost
//! authenticator. A server draws them, hands them out once, and keeps only their hash.

use core::str::FromStr;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    crockford,
    hash::sha256,
    id::TokenHash,
    secret::{Secret, secret_type},
    text::{self, Malformed},
};

/// Random bytes in a recovery code: 120 bits.
pub const RECOVERY_CODE_BYTES: usize = 15;
const RECOVERY_CODE_CHARS: usize = RECOVERY_CODE_BYTES * 8 / 5;

/// Serde by `to_text` and `FromStr`, for secrets: what is written is wiped.
macro_rules! as_serde_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.to_text())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Zeroizing::new(<String as serde::Deserialize>::deserialize(deserializer)?);
                text.parse().map_err(|error| {
                    serde::de::Error::custom(format_args!(concat!(stringify!($name), " {}"), error))
                })
            }
        }
    };
}

macro_rules! token {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        secret_type!($(#[$doc])* $name, 32);

        impl $name {
            /// A new one.
            pub fn generate(rng: &mut impl CryptoRng) -> Self {
                Self(Secret::random(rng))
            }

            /// What a server keeps of it.
            pub fn hash(&self) -> TokenHash {
                TokenHash::from_bytes(sha256(&[$label, self.0.expose()]))
            }

            /// Its text: 43 characters of base64url.
            pub fn to_text(&self) -> Zeroizing<String> {
                Zeroizing::new(text::encode(self.0.expose()))
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(typed: &str) -> Result<Self, Malformed> {
                let bytes = Zeroizing::new(text::decode(typed.trim())?);
                let bytes: &[u8; 32] =
                    bytes.as_slice().try_into().map_err(|_| Malformed("has the wrong length"))?;
                Ok(Self::from_bytes(bytes))
            }
        }

        as_serde_text!($name);
    };
}

token!(
    /// Lets whoever holds it set a new password, once. 256 random bits.
    ResetToken,
    b"secure-messaging/1 reset token"
);
token!(
    /// Shows that its holder reads the mail of an address. 256 random bits.
    EmailToken,
    b"secure-messaging/1 email token"
);
token!(
    /// Lets its holder make an account. 256 random bits.
    InviteToken,
    b"secure-messaging/1 invite token"
);
token!(
    /// Opens a session of the REST gateway to a program. 256 random bits.
    ApiToken,
    b"secure-messaging/1 api token"
);
secret_type!(
    /// Stands in for a code of the authenticator, once. As text 24 characters in six groups: `K7QD-2M9X-…`.
    RecoveryCode,
    RECOVERY_CODE_BYTES
);

impl RecoveryCode {
    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// What a server keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::from_bytes(sha256(&[b"secure-messaging/1 recovery code", self.0.expose()]))
    }

    /// The text to show to its owner.
    pub fn to_text(&self) -> Zeroizing<String> {
        crockford::grouped(crockford::values(self.0.expose()).map(crockford::character))
    }
}

/// Reads what a person typed, with or without dashes, in any case.
impl FromStr for RecoveryCode {
    type Err = Malformed;

    fn from_str(typed: &str) -> Result<Self, Malformed> {
        let characters = crockford::bare(typed);
        if characters.clone().count() != RECOVERY_CODE_CHARS {
            return Err(Malformed("has 24 letters and digits"));
        }
        let mut values = Zeroizing::new([0u8; RECOVERY_CODE_CHARS]);
        for (value, character) in values.iter_mut().zip(characters) {
            *value = crockford::value_of(character).ok_or(Malformed("has only letters and digits"))?;
        }
        Ok(Self(Secret::filled_by(|bytes| crockford::fill(bytes, &*values))))
    }
}

as_serde_text!(RecoveryCode);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_equal_bytes_in_other_roles_have_other_hashes() {
        let token = ResetToken::from_bytes(&[7; 32]);
        assert_eq!(token.to_text().parse::<ResetToken>().unwrap(), token);
        assert_eq!(format!(" {}\n", *token.to_text()).parse::<ResetToken>().unwrap(), token);
        assert_ne!(token.hash(), EmailToken::from_bytes(&[7; 32]).hash());
        assert_ne!(token.hash(), InviteToken::from_bytes(&[7; 32]).hash());
        for bad in ["", "short", &format!("{}A", *token.to_text()), "!".repeat(43).as_str()] {
            assert!(bad.parse::<ResetToken>().is_err(), "{bad}");
        }
        assert_eq!(format!("{token:?}"), "ResetToken(..)");
    }

    #[test]
    fn a_recovery_code_is_read_back_as_people_type_it() {
        let code = RecoveryCode::from_bytes(&core::array::from_fn(|index| index as u8 * 17));
        let text = code.to_text();
        assert_eq!(text.len(), 29);
        for typed in [text.to_string(), text.to_lowercase().replace('-', " "), text.replace('0', "o")] {
            assert_eq!(typed.parse::<RecoveryCode>().unwrap(), code, "{typed}");
        }
        for bad in ["", "123456", &text[1..], &text.replace('-', "_"), "UUUU-UUUU-UUUU-UUUU-UUUU-UUUU"] {
            assert!(bad.parse::<RecoveryCode>().is_err(), "{bad}");
        }
    }
}

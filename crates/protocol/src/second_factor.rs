//! The second factor: codes of an authenticator (TOTP, RFC 6238), and the recovery codes that stand in for it.

use core::{fmt, str::FromStr};

use crypto::one_time::RecoveryCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use zeroize::Zeroizing;

use crate::proof::Proof;

/// Digits of an authenticator's code.
pub const TOTP_DIGITS: u32 = 6;
/// Seconds for which an authenticator shows one code.
pub const TOTP_STEP_S: u64 = 30;
/// Random bytes in the secret that an authenticator holds (RFC 4226 section 4 asks for at least 16).
pub const TOTP_SECRET_BYTES: usize = 20;
/// Recovery codes that are made at once.
pub const RECOVERY_CODES: usize = 10;

/// What a person types when the second factor is asked for: six digits, or a recovery code.
#[derive(Clone, PartialEq, Eq)]
pub enum SecondFactorCode {
    /// What the authenticator shows.
    Totp(TotpCode),
    /// One of the ten, good once.
    Recovery(RecoveryCode),
}

/// Six digits of an authenticator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TotpCode(u32);

/// It is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A code has 6 digits, a recovery code 24 letters and digits: type it as it stands there")]
pub struct CodeRefused;

impl TotpCode {
    /// The number that the digits spell.
    pub fn number(self) -> u32 {
        self.0
    }
}

impl FromStr for TotpCode {
    type Err = CodeRefused;

    fn from_str(typed: &str) -> Result<Self, CodeRefused> {
        let digits: String = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
        let is_code =
            digits.len() == TOTP_DIGITS as usize && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_code { digits.parse().map(Self).map_err(|_| CodeRefused) } else { Err(CodeRefused) }
    }
}

impl FromStr for SecondFactorCode {
    type Err = CodeRefused;

    fn from_str(typed: &str) -> Result<Self, CodeRefused> {
        if let Ok(code) = typed.parse() {
            return Ok(Self::Totp(code));
        }
        typed.parse().map(Self::Recovery).map_err(|_| CodeRefused)
    }
}

/// A code opens an account together with the password: it prints its kind only.
impl fmt::Debug for SecondFactorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Totp(_) => "Totp(..)",
            Self::Recovery(_) => "Recovery(..)",
        })
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode(..)")
    }
}

impl Serialize for TotpCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{:06}", self.0))
    }
}

impl Serialize for SecondFactorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Totp(code) => code.serialize(serializer),
            Self::Recovery(code) => code.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TotpCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Zeroizing::new(String::deserialize(deserializer)?).parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SecondFactorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Zeroizing::new(String::deserialize(deserializer)?).parse().map_err(D::Error::custom)
    }
}

/// Draws a secret for an authenticator. Nothing is asked for at login until [`EnableTotp`] has shown that it is there.
/// Beginning again draws another secret in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginTotp {
    /// The password once more.
    pub proof: Proof,
}

/// What the authenticator is to hold.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotpBegun {
    /// The secret in base32 (RFC 4648), for typing in.
    pub secret: String,
    /// `otpauth://totp/…`, for the QR code.
    pub uri: String,
}

/// Holds the secret, and prints nothing of it.
impl fmt::Debug for TotpBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpBegun(..)")
    }
}

/// Shows that the authenticator holds the secret: from now on a code is asked for at every login.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnableTotp {
    /// What the authenticator shows.
    pub code: TotpCode,
}

/// Recovery codes, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodes {
    /// Ten codes; those that there were before are worth nothing any more.
    pub codes: Vec<RecoveryCode>,
}

/// Draws ten new recovery codes in the place of those that there are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRecoveryCodes {
    /// The password and a code once more.
    pub proof: Proof,
}

/// Asks for no code any more. All other sessions end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisableTotp {
    /// The password and a code once more.
    pub proof: Proof,
}

/// It is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TotpDisabled {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        for (typed, number) in [("123456", 123_456), ("000 042", 42), (" 000-042 ", 42)] {
            let Ok(SecondFactorCode::Totp(code)) = typed.parse() else { panic!("{typed}") };
            assert_eq!(code.number(), number);
        }
        let code = RecoveryCode::from_bytes(&[9; 15]);
        assert_eq!(code.to_text().parse::<SecondFactorCode>(), Ok(SecondFactorCode::Recovery(code)));
        for bad in ["", "12345", "1234567", "12345a", "１２３４５６", "+12345", "-", "ABCD-EFGH"] {
            assert_eq!(bad.parse::<SecondFactorCode>(), Err(CodeRefused), "{bad}");
        }
    }

    #[test]
    fn a_code_travels_as_its_digits_and_does_not_print() {
        let code: SecondFactorCode = "000042".parse().unwrap();
        assert_eq!(serde_json::to_string(&code).unwrap(), "\"000042\"");
        assert_eq!(serde_json::from_str::<SecondFactorCode>("\"000042\"").unwrap(), code);
        assert!(serde_json::from_str::<SecondFactorCode>("42").is_err());
        assert_eq!(format!("{code:?}"), "Totp(..)");
    }
}

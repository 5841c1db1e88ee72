//! The session's token: a JWT (RFC 7519) under HMAC-SHA-256, and under nothing else.

use std::{fmt, sync::OnceLock};

use crypto::id::{AccountId, SessionId};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    decode, encode,
    errors::{Error, ErrorKind},
    signature::{self, Signer, Verifier},
};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroize;

use super::IDLE_MS;

const ISSUER: &str = "secure-messaging";
const AUDIENCE: &str = "secure-messaging/session";
/// How far the clocks of two servers may be apart, in seconds.
const LEEWAY_S: u64 = 5;
/// Ours are below 400 bytes; nothing longer is worth being read.
const MAX_TOKEN_BYTES: usize = 1_024;

/// Whoever holds it is signed in. It is wiped on drop and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// The text, for a cookie or an answer.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for SessionToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(..)")
    }
}

/// What a token says, once it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) account: AccountId,
    pub(super) session: SessionId,
    pub(super) issued_at_ms: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: AccountId,
    jti: SessionId,
    iat: u64,
    exp: u64,
}

/// Signs.
pub(super) fn issue(key: &[u8; 32], named: Named) -> SessionToken {
    install_hmac();
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: named.account,
        jti: named.session,
        iat: named.issued_at_ms / 1_000,
        exp: (named.issued_at_ms + IDLE_MS) / 1_000,
    };
    let token = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key))
        .expect("plain claims serialize, and the key has a length that HMAC takes");
    SessionToken(token)
}

/// Verifies. Whatever is wrong with a token, the answer is the same.
pub(super) fn read(key: &[u8; 32], token: &str, now_ms: u64) -> Option<Named> {
    install_hmac();
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    // The library would ask the system for the time: ours is an argument, and checked below.
    validation.validate_exp = false;
    let claims = decode::<Claims>(token, &DecodingKey::from_secret(key), &validation).ok()?.claims;
    if claims.exp.saturating_add(LEEWAY_S) < now_ms / 1_000 {
        return None;
    }
    Some(Named { account: claims.sub, session: claims.jti, issued_at_ms: claims.iat.saturating_mul(1_000) })
}

/// Tells the JWT library to sign with the same HMAC as the rest of the house.
fn install_hmac() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |algorithm, key| match algorithm {
            Algorithm::HS256 => Ok(Box::new(Hs256::new(key.as_bytes()))),
            _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
        },
        verifier_factory: |algorithm, key| match algorithm {
            Algorithm::HS256 => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?))),
            _ => Err(Error::from(ErrorKind::InvalidAlgorithm)),
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    // Another part of the process may have installed a provider before: any is right, as there is one HMAC-SHA-256.
    INSTALLED.get_or_init(|| PROVIDER.install_default().is_ok());
}

struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes keys of any length"))
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        self.0.clone().chain_update(message).verify_slice(tag).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    const KEY: [u8; 32] = [7; 32];
    const NOW_MS: u64 = 1_790_000_000_000;
    const NAMED: Named = Named {
        account: AccountId::from_bytes([1; 16]),
        session: SessionId::from_bytes([2; 16]),
        issued_at_ms: NOW_MS,
    };

    #[test]
    fn a_token_reads_back_until_it_expires() {
        let token = issue(&KEY, NAMED);
        assert!(token.expose().len() < 400, "a cookie stays small");
        assert_eq!(read(&KEY, token.expose(), NOW_MS), Some(NAMED));
        let end = NOW_MS + IDLE_MS;
        assert_eq!(read(&KEY, token.expose(), end + LEEWAY_S * 1_000), Some(NAMED));
        assert_eq!(read(&KEY, token.expose(), end + LEEWAY_S * 1_000 + 1_000), None);
        assert_eq!(read(&KEY, token.expose(), 0), Some(NAMED), "a clock that stepped back signs nobody out");
    }

    #[test]
    fn the_signature_is_the_one_of_rfc_7515() {
        // RFC 7515, appendix A.1.
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                       eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = Hs256::new(&key).try_sign(message.as_bytes()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(tag), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn forged_tokens_are_refused() {
        let token = issue(&KEY, NAMED);
        let [header, claims, tag] = token.expose().split('.').collect::<Vec<_>>().try_into().unwrap();
        let json = |text: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
        let forge = |header: &str, claims: &str| {
            let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            let tag = URL_SAFE_NO_PAD.encode(Hs256::new(&KEY).try_sign(message.as_bytes()).unwrap());
            format!("{message}.{tag}")
        };
        let (header_json, claims_json) = (json(header), json(claims));
        assert!(read(&KEY, &forge(&header_json, &claims_json), NOW_MS).is_some(), "the forger's tools work");

        let none = forge(r#"{"typ":"JWT","alg":"none"}"#, &claims_json);
        for token in [
            none.clone(),
            format!("{}.", none.rsplit_once('.').unwrap().0),
            forge(r#"{"typ":"JWT","alg":"HS512"}"#, &claims_json),
            forge(r#"{"typ":"JWT","alg":"RS256"}"#, &claims_json),
            forge(&header_json, &claims_json.replace(AUDIENCE, "secure-messaging/reset")),
            forge(&header_json, &claims_json.replace(r#""secure-messaging""#, r#""another""#)),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.{}", tag.replace(|c: char| c.is_ascii_alphanumeric(), "A")),
            format!("{header}.{claims}"),
            String::new(),
            "..".to_owned(),
            "a".repeat(MAX_TOKEN_BYTES + 1),
        ] {
            assert_eq!(read(&KEY, &token, NOW_MS), None, "{token}");
        }
        assert_eq!(read(&[8; 32], issue(&KEY, NAMED).expose(), NOW_MS), None, "another key");
    }

    #[test]
    fn every_claim_is_required() {
        let token = issue(&KEY, NAMED);
        let claims = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1).unwrap()).unwrap();
        let whole = String::from_utf8(claims).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
        let fields: Vec<&str> = whole.trim_matches(['{', '}']).split(',').collect();
        assert_eq!(fields.len(), 6);
        for missing in 0..fields.len() {
            let mut left = fields.clone();
            left.remove(missing);
            let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(format!("{{{}}}", left.join(","))));
            let tag = URL_SAFE_NO_PAD.encode(Hs256::new(&KEY).try_sign(message.as_bytes()).unwrap());
            assert_eq!(read(&KEY, &format!("{message}.{tag}"), NOW_MS), None, "without {}", fields[missing]);
        }
    }
}

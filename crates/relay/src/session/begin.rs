use crypto::id::{AccountId, SessionId};
use protocol::{Refusal, limits::MAX_DEVICE_NAME_CHARS, refusal::Code, text::is_control};

use super::{
    SessionToken,
    token::{self, Named},
};
use crate::{Relay, port::NewSession};

impl Relay {
    /// A session with a fresh id, not yet stored.
    pub(crate) fn new_session(&self, account: AccountId, device_name: String, now_ms: u64) -> NewSession {
        let mut unlock_half = [0; 32];
        self.0.entropy.fill(&mut unlock_half);
        NewSession {
            session: SessionId::random(&mut self.0.rng()),
            account,
            device_name,
            created_at_ms: now_ms,
            unlock_half,
        }
    }

    /// The first token of a session that is stored.
    pub(crate) fn first_token(&self, session: &NewSession) -> SessionToken {
        let &NewSession { session, account, created_at_ms: issued_at_ms, .. } = session;
        token::issue(&self.0.secrets.token_key, Named { account, session, issued_at_ms })
    }
}

/// What a session is called: shown to its owner, so nothing that could play tricks there.
pub(crate) fn checked_device_name(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_DEVICE_NAME_CHARS {
        return Err(Refusal::because(Code::InvalidRequest, "A device name has 1 to 64 characters"));
    }
    if name.chars().any(is_control) {
        return Err(Refusal::because(Code::InvalidRequest, "A device name has no control characters"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_hold_nothing_that_plays_tricks() {
        assert_eq!(checked_device_name(" Firefox on Linux ").unwrap(), "Firefox on Linux");
        assert_eq!(checked_device_name("Büro 📱").unwrap(), "Büro 📱");
        assert!(checked_device_name(&"ä".repeat(64)).is_ok());
        for refused in [
            "",
            "  ",
            "a\nb",
            "a\0b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{1b}[31m",
            &"a".repeat(65),
        ] {
            assert_eq!(checked_device_name(refused).unwrap_err().code, Code::InvalidRequest, "{refused:?}");
        }
    }
}

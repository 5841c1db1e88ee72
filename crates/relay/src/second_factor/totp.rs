use protocol::second_factor::{TOTP_SECRET_BYTES, TOTP_STEP_S, TotpBegun, TotpCode};
use totp_rs::{Algorithm, Builder, Secret, Totp};

/// What authenticators show beside the account's name.
const ISSUER: &str = "Secure Messaging";
/// Steps before and after the current one whose codes are taken: clocks differ, and people are slow.
const SKEW_STEPS: u64 = 1;

/// What an authenticator computes, from the secret that it shares with the relay.
pub(super) struct Authenticator(Totp);

impl Authenticator {
    /// The authenticator of an account. `None`: the secret has another length than those that are drawn here.
    pub(super) fn new(secret: &[u8], account_name: &str) -> Option<Self> {
        if secret.len() != TOTP_SECRET_BYTES {
            return None;
        }
        let totp = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(TOTP_STEP_S)
            .with_issuer(Some(ISSUER))
            .with_account_name(account_name)
            .with_secret(Secret::from(secret))
            .build();
        totp.ok().map(Self)
    }

    /// The step whose code this is: the current one or one beside it, but none that was used or lies before one that was.
    pub(super) fn step_of(&self, code: TotpCode, used: Option<u64>, now_ms: u64) -> Option<u64> {
        let current = now_ms / 1_000 / TOTP_STEP_S;
        let steps = current.saturating_sub(SKEW_STEPS)..=current + SKEW_STEPS;
        steps
            .filter(|step| used.is_none_or(|used| *step > used))
            .find(|step| self.code_at(*step) == Some(code.number()))
    }

    /// What is shown to the account's owner.
    pub(super) fn shown(&self) -> Option<TotpBegun> {
        Some(TotpBegun { secret: self.0.secret().to_base32(), uri: self.0.to_url().ok()? })
    }

    fn code_at(&self, step: u64) -> Option<u32> {
        self.0.generate(step * TOTP_STEP_S).to_string().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8; 20] = b"12345678901234567890";

    fn code(text: &str) -> TotpCode {
        text.parse().unwrap()
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let authenticator = Authenticator::new(SECRET, "alice").unwrap();
        // Appendix B, SHA-1, the last six of its eight digits.
        for (second, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = second / TOTP_STEP_S;
            assert_eq!(authenticator.step_of(code(digits), None, second * 1_000), Some(step), "{second}");
        }
    }

    #[test]
    fn a_code_is_taken_a_step_early_or_late_and_no_more() {
        let authenticator = Authenticator::new(SECRET, "alice").unwrap();
        let now_ms: u64 = 1_111_111_109_000;
        let at = |seconds: i64| {
            authenticator.step_of(code("081804"), None, now_ms.saturating_add_signed(seconds * 1_000))
        };
        assert!(at(0).is_some() && at(30).is_some() && at(-30).is_some());
        assert!(at(61).is_none() && at(-60).is_none());
        for year in [-31_536_000, -3_600, 3_600, 31_536_000] {
            assert!(at(year).is_none());
        }
    }

    #[test]
    fn a_step_that_was_used_is_not_taken_again_nor_one_before_it() {
        let authenticator = Authenticator::new(SECRET, "alice").unwrap();
        let (now_ms, step) = (1_111_111_109_000, 1_111_111_109 / TOTP_STEP_S);
        let taken = |used| authenticator.step_of(code("081804"), Some(used), now_ms);
        assert_eq!(taken(step - 1), Some(step));
        assert_eq!(taken(step), None);
        assert_eq!(taken(step + 1), None);
    }

    #[test]
    fn the_uri_names_issuer_and_account() {
        let shown = Authenticator::new(SECRET, "alice").unwrap().shown().unwrap();
        assert_eq!(shown.secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(shown.uri.starts_with("otpauth://totp/Secure%20Messaging:alice?"), "{}", shown.uri);
        assert!(shown.uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{}", shown.uri);
        assert!(shown.uri.contains("issuer=Secure%20Messaging"), "{}", shown.uri);
        assert!(Authenticator::new(&SECRET[..10], "alice").is_none());
    }
}

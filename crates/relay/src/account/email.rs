use protocol::{Refusal, limits::MAX_EMAIL_BYTES, refusal::Code};

use crate::session::is_control;

/// An address as far as it can be judged without sending to it: one `@` with something on both sides, and nothing that
/// could end a header line of a mail.
pub(super) fn checked_email(email: Option<String>) -> Result<Option<String>, Refusal> {
    let Some(email) = email else { return Ok(None) };
    let is_form = email.len() <= MAX_EMAIL_BYTES
        && !email.chars().any(|c| c.is_whitespace() || is_control(c) || matches!(c, '<' | '>' | ',' | ';'))
        && matches!(email.split('@').collect::<Vec<_>>().as_slice(), [local, domain] if !local.is_empty() && !domain.is_empty());
    if is_form {
        Ok(Some(email))
    } else {
        Err(Refusal::because(
            Code::InvalidRequest,
            "This is not an e-mail address: write it as name@example.org",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_at_sign_and_nothing_that_breaks_a_header() {
        let check = |text: &str| checked_email(Some(text.to_owned())).is_ok();
        assert!(checked_email(None).unwrap().is_none());
        for good in ["a@b", "alice+box@example.org", "jörg@büro.example"] {
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
        ] {
            assert!(!check(bad), "{bad:?}");
        }
        assert!(check(&format!("{}@b", "a".repeat(MAX_EMAIL_BYTES - 2))));
        assert!(!check(&format!("{}@b", "a".repeat(MAX_EMAIL_BYTES - 1))));
    }
}

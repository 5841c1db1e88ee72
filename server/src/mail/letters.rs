//! The words.

use std::time::{Duration, UNIX_EPOCH};

use protocol::Username;
use relay::mail::{Event, Letter};

use super::layout::Layout;
use crate::config::BaseUrl;

/// Puts a letter into words. Its links lead to the configured address, whatever a request said.
pub(super) fn layout(letter: &Letter, base_url: &BaseUrl) -> Layout {
    match letter {
        Letter::ResetPassword { accounts } => {
            let [(username, _)] = accounts.as_slice() else { return several_resets(accounts, base_url) };
            let letter = Layout::to(Some(username.as_str()), "Reset your password").paragraph(format!(
                "Somebody asked for a new password for your account {username} at {base_url}."
            ));
            with_reset(letter, &accounts[0], base_url).paragraph(HOW_LONG).paragraph(NOT_ASKED_FOR)
        }
        Letter::ConfirmEmail { username, token } => {
            let token = token.to_text();
            Layout::to(Some(username.as_str()), "Confirm your e-mail address")
                .paragraph(format!(
                    "The account {username} at {base_url} wants its mails at this address. If that is right:"
                ))
                .link("Confirm this address", format!("{base_url}/confirm-email#token={}", *token))
                .paragraph("Or copy this token into the page:")
                .code(&token)
                .paragraph("It can be used once, within a day.")
                .paragraph("If this was not you, do nothing: then this address is not used, and you get no more mails.")
        }
        Letter::Notice { username, event, at_ms } => notice(username, event, *at_ms, base_url),
    }
}

/// A mail that says nothing but that it came.
pub(super) fn test_letter(base_url: &BaseUrl) -> Layout {
    Layout::to(None, "A test of your mail settings")
        .paragraph(format!("This mail says that {base_url} can send mail with its settings. All is well."))
        .paragraph("If this was not you, somebody who runs that server typed your address by mistake.")
}

const HOW_LONG: &str = "It can be used once, within an hour, and until a newer one is asked for. It never signs anybody \
                        in: who has two-factor authentication switched on is asked for a code as well.";
const NOT_ASKED_FOR: &str = "If this was not you, do nothing: your password stays as it is. Do not pass this mail on: \
                             whoever has it can set a new password.";

fn several_resets(accounts: &[(Username, crypto::one_time::ResetToken)], base_url: &BaseUrl) -> Layout {
    let letter = Layout::to(None, "Reset your password").paragraph(format!(
        "Somebody asked for a new password at {base_url}. {} accounts have this address; each has a link of its own.",
        accounts.len()
    ));
    let letter = accounts.iter().fold(letter, |letter, account| {
        with_reset(letter.paragraph(format!("The account {}:", account.0)), account, base_url)
    });
    letter.paragraph(HOW_LONG).paragraph(NOT_ASKED_FOR)
}

fn with_reset(
    letter: Layout,
    (_, token): &(Username, crypto::one_time::ResetToken),
    base_url: &BaseUrl,
) -> Layout {
    let token = token.to_text();
    letter
        .link("Choose a new password", reset_link(base_url, &token))
        .paragraph("Or copy this token into the page:")
        .code(&token)
}

/// Where a password is reset with this token. It stands behind the `#`: what stands there is not sent to servers.
pub(crate) fn reset_link(base_url: &BaseUrl, token: &str) -> String {
    format!("{base_url}/reset#token={token}")
}

/// A device says itself what it is called, and the address may be that of somebody who has no account: nothing of the name may
/// look like a link.
fn only_words(device_name: &str) -> String {
    let words = device_name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' });
    let words: String = words.collect();
    words.split_whitespace().take(6).collect::<Vec<_>>().join(" ")
}

fn notice(username: &Username, event: &Event, at_ms: u64, base_url: &BaseUrl) -> Layout {
    let (subject, happened) = match event {
        Event::SignedIn { device_name } => {
            ("A new sign-in", format!("somebody signed in, on “{}”", only_words(device_name)))
        }
        Event::PasswordChanged => {
            ("Your password was changed", "the password was changed, and all other sessions were ended".to_owned())
        }
        Event::PasswordReset { keys_kept: true } => (
            "Your password was reset",
            "the password was reset by a link, and all sessions were ended. What was written stays readable".to_owned(),
        ),
        Event::PasswordReset { keys_kept: false } => (
            "Your password was reset",
            "the password was reset by a link without the recovery key, and all sessions were ended. The account has \
             new keys: your contacts are told so. Older messages are kept sealed until you open them with the recovery \
             key or the old password of that time"
                .to_owned(),
        ),
        Event::EmailChangeAsked => (
            "Another e-mail address was asked for",
            "somebody who knew the password asked for the account's mails at another address. It counts once a link in a \
             mail to that address is followed; a new password makes it worthless"
                .to_owned(),
        ),
        Event::ManyWrongCodes => (
            "Wrong codes were tried",
            "so many wrong codes were typed at the second step that no more are taken for a while. Whoever did it knew the \
             password, or held a mail that resets it"
                .to_owned(),
        ),
        Event::LoginMailsOff => (
            "No more mails about new sign-ins",
            "mails about new sign-ins were switched off".to_owned(),
        ),
        Event::EmailChanged => (
            "Your e-mail address was changed",
            "the account's mails go to another address from now on, or to none".to_owned(),
        ),
        Event::SecondFactorOn => (
            "Two-factor authentication is on",
            "two-factor authentication was switched on: a code is asked for at each sign-in".to_owned(),
        ),
        Event::SecondFactorOff => (
            "Two-factor authentication is off",
            "two-factor authentication was switched off: no code is asked for any more".to_owned(),
        ),
        Event::RecoveryCodeUsed => (
            "A recovery code was used",
            "one of your recovery codes was used in the place of your authenticator's code. It is used up".to_owned(),
        ),
        Event::RecoveryKeyChanged => (
            "You have a new recovery key",
            "a new recovery key was made. The old one opens nothing any more".to_owned(),
        ),
        Event::AccountDeleted => (
            "Your account was deleted",
            "the account was deleted with all that was its own. Nothing brings it back".to_owned(),
        ),
    };
    let letter = Layout::to(Some(username.as_str()), subject)
        .paragraph(format!("This happened to your account {username} at {base_url}: {happened}."))
        .paragraph(format!("When: {}", time(at_ms)))
        .paragraph("If this was you, all is well, and there is nothing to do.");
    match event {
        Event::AccountDeleted => letter.paragraph(
            "If this was not you, tell whoever runs the server, and change this password wherever else you use it.",
        ),
        _ => letter
            .paragraph(
                "If this was not you, change your password at once and end all other sessions in the settings. If you \
                 cannot sign in any more, reset your password, or ask whoever runs the server.",
            )
            .link("Your settings", format!("{base_url}/settings")),
    }
}

/// A time that can be read everywhere.
pub(crate) fn time(at_ms: u64) -> String {
    // The format ends with the year 9999.
    const LAST_MS: u64 = 253_402_300_799_000;
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(at_ms.min(LAST_MS)))
}

#[cfg(test)]
mod tests {
    use crypto::one_time::{EmailToken, ResetToken};

    use super::*;

    /// One of each.
    fn samples() -> Vec<Letter> {
        let name = |name: &str| name.parse::<Username>().unwrap();
        let reset = |byte| ResetToken::from_bytes(&[byte; 32]);
        let events = [
            Event::SignedIn { device_name: "<Firefox> & https://evil.example/“Linux”".to_owned() },
            Event::PasswordChanged,
            Event::PasswordReset { keys_kept: true },
            Event::PasswordReset { keys_kept: false },
            Event::EmailChangeAsked,
            Event::EmailChanged,
            Event::LoginMailsOff,
            Event::ManyWrongCodes,
            Event::SecondFactorOn,
            Event::SecondFactorOff,
            Event::RecoveryCodeUsed,
            Event::RecoveryKeyChanged,
            Event::AccountDeleted,
        ];
        let notices = events.into_iter().map(|event| Letter::Notice {
            username: name("alice"),
            event,
            at_ms: 1_790_000_000_000,
        });
        [
            Letter::ResetPassword { accounts: vec![(name("alice"), reset(1))] },
            Letter::ResetPassword { accounts: vec![(name("alice"), reset(1)), (name("bob"), reset(2))] },
            Letter::ConfirmEmail { username: name("alice"), token: EmailToken::from_bytes(&[3; 32]) },
        ]
        .into_iter()
        .chain(notices)
        .collect()
    }

    #[test]
    fn every_letter_reads_well_in_both_parts() {
        let base_url = "https://chat.example.org".parse().unwrap();
        let mut written = String::new();
        for letter in samples() {
            let layout = layout(&letter, &base_url);
            let (text, html) = (layout.text(), layout.html());
            written += &format!("Subject: {}\n\n{text}\n{html}\n{}\n", layout.subject, "=".repeat(80));
            let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(squeezed.contains("If this was not you"), "{text}");
            assert!(text.is_ascii() || text.contains('“'), "{text}");
            for remote in ["<img", "<link", "<script", "style", "src=", "url("] {
                assert!(!html.contains(remote), "{remote}: {html}");
            }
            for link in html.split("href=\"").skip(1) {
                assert!(link.starts_with("https://chat.example.org/"), "{link}");
            }
        }
        insta::assert_snapshot!(written);
    }

    #[test]
    fn the_token_stands_behind_the_hash_and_on_its_own() {
        let base_url = "https://chat.example.org".parse().unwrap();
        let text = layout(&samples()[0], &base_url).text();
        let token = ResetToken::from_bytes(&[1; 32]).to_text();
        assert!(text.contains(&format!("https://chat.example.org/reset#token={}\n", *token)), "{text}");
        assert!(text.contains(&format!("\n    {}\n", *token)), "{text}");
        let text = layout(&samples()[2], &base_url).text();
        let token = EmailToken::from_bytes(&[3; 32]).to_text();
        assert!(
            text.contains(&format!("https://chat.example.org/confirm-email#token={}\n", *token)),
            "{text}"
        );
    }

    #[test]
    fn a_time_that_is_none_is_written_all_the_same() {
        assert_eq!(time(1_790_000_000_000), "Mon, 21 Sep 2026 14:13:20 GMT");
        assert!(time(u64::MAX).contains("9999"));
    }
}

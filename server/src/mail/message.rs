use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use protocol::EmailAddress;
use relay::{
    mail::Letter,
    port::{Clock, Entropy},
};

use super::{layout::Layout, letters};
use crate::{
    config::BaseUrl,
    system::{SystemClock, SystemEntropy},
};

/// Writes messages in the server's name.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) from: Mailbox,
    pub(crate) base_url: BaseUrl,
}

/// No message can be written to this address: mail servers do not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mail servers do not take an address of this form")]
pub(crate) struct NoMailAddress;

impl Writer {
    /// A letter of the relay's.
    pub(crate) fn write(&self, to: &EmailAddress, letter: &Letter) -> Result<Message, NoMailAddress> {
        self.lay_out(to, &letters::layout(letter, &self.base_url))
    }

    /// A mail that says nothing but that it came.
    pub(crate) fn write_test(&self, to: &EmailAddress) -> Result<Message, NoMailAddress> {
        self.lay_out(to, &letters::test_letter(&self.base_url))
    }

    fn lay_out(&self, to: &EmailAddress, layout: &Layout) -> Result<Message, NoMailAddress> {
        let to: Address = to.as_str().parse().map_err(|_| NoMailAddress)?;
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&layout.subject)
            .date(UNIX_EPOCH + Duration::from_millis(SystemClock.now_ms()))
            .message_id(Some(self.message_id()))
            // RFC 3834: nobody answers it by a machine.
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(layout.text(), layout.html()))
            .map_err(|_| NoMailAddress)
    }

    /// Names nothing but the server (RFC 5322 section 3.6.4).
    fn message_id(&self) -> String {
        let mut bytes = [0; 16];
        SystemEntropy.fill(&mut bytes);
        let host = self.base_url.host();
        let domain = if host.contains(':') { format!("[IPv6:{host}]") } else { host.to_owned() };
        format!("<{:032x}@{domain}>", u128::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        Writer {
            from: "Secure Messaging <no-reply@example.org>".parse().unwrap(),
            base_url: "https://chat.example.org:8443".parse().unwrap(),
        }
    }

    fn written(to: &str, device_name: &str) -> String {
        let event = relay::mail::Event::SignedIn { device_name: device_name.to_owned() };
        let letter = Letter::Notice { username: "alice".parse().unwrap(), event, at_ms: 0 };
        let message = writer().write(&to.parse().unwrap(), &letter).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn a_message_says_that_a_machine_wrote_it_and_has_both_parts() {
        let message = written("alice@example.org", "A browser");
        let (head, body) = message.split_once("\r\n\r\n").unwrap();
        let header = |name: &str| {
            let values = head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            let [value] = values.collect::<Vec<_>>()[..] else { panic!("one {name}: {head}") };
            value
        };
        assert_eq!(header("From"), "\"Secure Messaging\" <no-reply@example.org>");
        assert_eq!(header("To"), "alice@example.org");
        assert_eq!(header("Auto-Submitted"), "auto-generated");
        assert_eq!(header("MIME-Version"), "1.0");
        assert!(header("Message-ID").ends_with("@chat.example.org>"), "{head}");
        assert!(header("Date").ends_with("+0000"), "{head}");
        assert!(header("Content-Type").starts_with("multipart/alternative;"), "{head}");
        assert!(body.find("text/plain").unwrap() < body.find("text/html").unwrap(), "{body}");
        assert!(!head.contains("Bcc") && !head.contains("User-Agent"), "{head}");
    }

    #[test]
    fn nothing_that_a_person_wrote_ends_a_header() {
        for address in ["a@b\r\nBcc: c@d", "a@b\nBcc: c@d", "a@b\u{2028}Bcc: c@d", "a@b,c@d", "a@b>\r\n"] {
            assert!(address.parse::<EmailAddress>().is_err(), "{address:?}");
        }
        for name in ["al\r\nice", "alice\n", "al\u{2028}ice"] {
            assert!(name.parse::<protocol::Username>().is_err(), "{name:?}");
        }
        // The relay refuses such names of devices; even if it did not, they stand in the body only.
        let message = written("alice@example.org", "x\r\nBcc: eve@example.org\r\n\r\nx\u{2028}");
        let (head, _) = message.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("Bcc"), "{head}");
        let lines: Vec<&str> = message.split("\r\n").collect();
        assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])), "a line ends in one way only");
        assert!(message.is_ascii(), "whatever stands in it, it travels as ASCII");
    }

    #[test]
    fn what_is_no_address_for_mail_servers_is_refused() {
        let letter = Letter::ResetPassword { accounts: Vec::new() };
        let strange: EmailAddress = "a@b_c..d".parse().unwrap();
        assert_eq!(writer().write(&strange, &letter).err(), Some(NoMailAddress));
    }
}

//! Everything of an account that this device can read, to take away: as JSON for programs, as a page for people, or sealed
//! as one file. Made on the device; nothing of it is sent.

use core::fmt::Write;

use crypto::{export, kdf::KdfParams};
use protocol::{
    EmailAddress, Username,
    id::{AccountId, ConversationId, MessageId},
    password::{self, PasswordRefused},
};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{
    Account, Body, Contact, Device, Interruption, MessageState, conversation::view::timer_line,
    device::DeviceRng,
};

/// The form of the JSON.
const FORMAT: &str = "secure-messaging/1 export";

/// Everything of an account that this device can read. Times are milliseconds since 1970.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    format: &'static str,
    exported_at_ms: u64,
    account: AccountId,
    username: Username,
    email: Option<EmailAddress>,
    created_at_ms: u64,
    contacts: Vec<ExportedContact>,
    conversations: Vec<ExportedConversation>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct ExportedContact {
    account: AccountId,
    username: Username,
    /// Twelve groups of five digits.
    safety_number: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct ExportedConversation {
    conversation: ConversationId,
    /// Everyone in it but oneself.
    with: Vec<Username>,
    messages: Vec<ExportedMessage>,
}

#[derive(Clone, PartialEq, Eq, Serialize)]
struct ExportedMessage {
    message: MessageId,
    from: Username,
    sent_at_ms: u64,
    /// `None`: this version cannot show it, or it did not open.
    text: Option<String>,
    /// Whether it was sent or received; else it still waits on this device.
    delivered: bool,
}

/// Prints whose it is.
impl core::fmt::Debug for Export {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Export {{ username: {}, .. }}", self.username)
    }
}

impl<D: Device> Account<D> {
    /// Fetches what is new, and gathers everything.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn export(&self) -> Result<Export, Interruption> {
        let profile = self.profile().await?;
        match self.sync().await {
            Ok(_) | Err(crate::SyncError::Gap) => {}
            Err(crate::SyncError::Interrupted(interruption)) => return Err(interruption),
        }
        let threads: Vec<_> =
            self.conversations().into_iter().filter_map(|summary| self.thread(summary.id)).collect();
        let mut contacts: Vec<Contact> = threads.iter().flat_map(|thread| thread.others.clone()).collect();
        contacts.sort_unstable_by(|one, other| one.username.cmp(&other.username));
        contacts.dedup();
        let contacts = contacts.into_iter().map(|contact| ExportedContact {
            safety_number: self.safety_number(contact.account).map(|number| number.to_string()),
            account: contact.account,
            username: contact.username,
        });
        let conversations = threads.into_iter().map(|thread| ExportedConversation {
            conversation: thread.id,
            with: thread.others.into_iter().map(|other| other.username).collect(),
            messages: thread.messages.into_iter().map(exported).collect(),
        });
        Ok(Export {
            format: FORMAT,
            exported_at_ms: self.0.device.now_ms(),
            account: self.me().account,
            username: profile.username,
            email: profile.email,
            created_at_ms: profile.created_at_ms,
            contacts: contacts.collect(),
            conversations: conversations.collect(),
        })
    }

    /// The export as one file that opens with this passphrase only, as `docs/protocol.md` describes.
    ///
    /// # Errors
    /// [`PasswordRefused`]: the rules of passwords hold for the passphrase too.
    pub async fn seal_export(&self, export: &Export, passphrase: &str) -> Result<Vec<u8>, PasswordRefused> {
        password::check(passphrase, Some(&self.me().username))?;
        let device = &*self.0.device;
        let kdf = KdfParams::generate(&mut DeviceRng(device));
        let stretched = device.stretch(&kdf, passphrase).await;
        Ok(export::seal(&kdf, &stretched, export.to_json().as_bytes(), &mut DeviceRng(device)))
    }
}

fn exported(message: crate::Message) -> ExportedMessage {
    let text = match message.body {
        Body::Text(text) => Some(text),
        Body::Timer(seconds) => Some(timer_line(seconds)),
        Body::NeedsNewerVersion | Body::Unreadable => None,
    };
    ExportedMessage {
        message: message.id,
        from: message.author.username,
        sent_at_ms: message.sent_at_ms,
        text,
        delivered: matches!(message.state, MessageState::Sent | MessageState::Received),
    }
}

impl Export {
    /// For programs.
    pub fn to_json(&self) -> Zeroizing<String> {
        Zeroizing::new(serde_json::to_string_pretty(self).expect("an export is a plain struct"))
    }

    /// For people: one page without scripts and without anything from elsewhere. `time` puts a point in time into words.
    pub fn to_html(&self, time: impl Fn(u64) -> String) -> Zeroizing<String> {
        let mut page = Zeroizing::new(String::from(PAGE_HEAD));
        let mut put = |parts: &[&str]| parts.iter().for_each(|part| page.push_str(part));
        let name = escaped(self.username.as_str());
        put(&["<title>Messages of ", &name, "</title>\n</head>\n<body>\n<h1>Messages of ", &name, "</h1>\n"]);
        put(&["<p>Exported on ", &escaped(&time(self.exported_at_ms)), ".</p>\n"]);
        for conversation in &self.conversations {
            let with: Vec<&str> = conversation.with.iter().map(Username::as_str).collect();
            put(&["<section>\n<h2>With ", &escaped(&with.join(", ")), "</h2>\n"]);
            for message in &conversation.messages {
                let class = if message.from == self.username { "mine" } else { "theirs" };
                let text = message.text.as_deref().unwrap_or("(cannot be shown)");
                let waits = if message.delivered { "" } else { " · not sent" };
                put(&["<article class=\"", class, "\"><p class=\"who\">", &escaped(message.from.as_str())]);
                put(&[" · ", &escaped(&time(message.sent_at_ms)), waits, "</p><p class=\"text\">"]);
                put(&[&escaped(text), "</p></article>\n"]);
            }
            put(&["</section>\n"]);
        }
        put(&["</body>\n</html>\n"]);
        page
    }
}

const PAGE_HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<style>
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 45rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid; margin-top: 2rem; }
article { margin: 0.75rem 0; padding-left: 0.75rem; border-left: 3px solid; }
.mine { margin-left: 2rem; }
p { margin: 0; }
.who { font-size: 0.85rem; opacity: 0.75; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
</style>
";

/// Text that can stand between tags and in attributes.
fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(text.len() + 16));
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // What turns the direction of writing would turn what stands around it, too.
            turning if protocol::text::is_control(turning) && !matches!(turning, '\n' | '\t') => {
                // Writing to a string does not fail.
                let _ = write!(escaped, "\u{fffd}");
            }
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn export() -> Export {
        let message = |text: Option<&str>, delivered| ExportedMessage {
            message: MessageId::from_bytes([1; 16]),
            from: "bob".parse().unwrap(),
            sent_at_ms: 7,
            text: text.map(str::to_owned),
            delivered,
        };
        Export {
            format: FORMAT,
            exported_at_ms: 9,
            account: AccountId::from_bytes([2; 16]),
            username: "alice".parse().unwrap(),
            email: None,
            created_at_ms: 1,
            contacts: Vec::new(),
            conversations: vec![ExportedConversation {
                conversation: ConversationId::from_bytes([3; 32]),
                with: vec!["bob".parse().unwrap()],
                messages: vec![
                    message(Some("<script>alert('1')</script> & \"\u{202e}more\"\nbelow"), true),
                    message(None, false),
                ],
            }],
        }
    }

    #[test]
    fn what_people_wrote_cannot_become_markup() {
        let page = export().to_html(|ms| format!("at <{ms}>"));
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{}", *page);
        assert!(page.contains(
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;\u{fffd}more&quot;\nbelow"
        ));
        assert!(
            page.contains("at &lt;7&gt;") && page.contains("(cannot be shown)") && page.contains("not sent")
        );
    }

    #[test]
    fn the_json_reads_back() {
        let value: serde_json::Value = serde_json::from_str(&export().to_json()).unwrap();
        assert_eq!(value["format"], FORMAT);
        assert_eq!(value["conversations"][0]["messages"][0]["from"], "bob");
        assert_eq!(value["conversations"][0]["messages"][1]["text"], serde_json::Value::Null);
        assert_eq!(format!("{:?}", export()), "Export { username: alice, .. }");
    }
}

use clap::Args;
use client::{Body, Message, Selection, Synced, timer_line};
use protocol::Cursor;

use super::send::person;
use crate::{
    device::Account,
    system,
    terminal::{
        desk::Desk,
        ending::Problem,
        say::{Shown, data, json, patiently, talk, time},
    },
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging inbox
  secure-messaging inbox --limit 5 --sent
  secure-messaging inbox --with bob --all
  secure-messaging inbox --after 1041 --json";

/// What was received.
#[derive(Args, Debug)]
pub struct Inbox {
    /// How many messages at most: the newest ones
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// All messages
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Also what you sent
    #[arg(long)]
    sent: bool,
    /// Only what was written between you and this person alone
    #[arg(long, value_name = "NAME")]
    with: Option<String>,
    /// Only what came after this place of the mailbox (`place` in JSON), the oldest first
    #[arg(long, value_name = "PLACE", conflicts_with = "all")]
    after: Option<u64>,
    /// Show the messages' ids, for `delete`
    #[arg(long)]
    ids: bool,
}

impl Inbox {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        fetch(&account).await?;
        // Fetching may have taken longer than a message stays.
        account.forget().await?;
        let conversation = match &self.with {
            Some(name) => Some(account.open_conversation(&[person(&account, name).await?.account]).await?),
            None => None,
        };
        let limit = if self.all { usize::MAX } else { self.limit };
        let selection = Selection { conversation, mine: self.sent, limit };
        let messages = match self.after {
            Some(place) => account.messages_after(Cursor(place), selection),
            None => {
                let mut newest_first = account.messages_before(None, selection);
                newest_first.reverse();
                newest_first
            }
        };
        if messages.is_empty() && !desk.options.json {
            talk("No messages.");
        }
        let mut read = Vec::new();
        for (number, (conversation, message)) in messages.iter().enumerate() {
            if number > 0 && !desk.options.json {
                data("")?;
            }
            print(message, desk.options.json)?;
            if self.ids && !desk.options.json {
                data(format!("Id: {}", message.id))?;
            }
            if !read.contains(conversation) {
                read.push(*conversation);
            }
        }
        for conversation in read {
            account.mark_read(conversation).await?;
        }
        Ok(())
    }
}

/// Reads what was here, fetches what is new, sends what still waits, and says what could not be opened.
pub(super) async fn fetch(account: &Account) -> Result<(), Problem> {
    account.load().await?;
    let Synced { new: _, dropped, held } = patiently("Fetching messages", account.sync()).await?;
    if dropped > 0 {
        talk(format!("{dropped} deliveries were left out: they are forged, damaged or repeated."));
    }
    if held > 0 {
        talk(format!("{held} messages wait until you accept their senders' new keys:"));
        for contact in account.in_question() {
            talk(format!("  secure-messaging verify {} --accept", Shown::line(contact.username.as_str())));
        }
    }
    let locked = account.locked_messages();
    if locked > 0 {
        talk(format!(
            "{locked} messages from before your password was reset wait: open them in the browser, in the settings."
        ));
    }
    // What cannot be sent now stays, and is tried again by the next command.
    let _ = account.flush().await;
    Ok(())
}

/// A message as JSON.
#[derive(serde::Serialize)]
struct Line<'a> {
    /// Where it stands in the mailbox: for `--after`.
    place: Option<u64>,
    id: String,
    from: &'a str,
    /// Everyone who reads it but oneself.
    with: Vec<&'a str>,
    sent_at_ms: u64,
    mine: bool,
    unread: bool,
    /// `text`, `timer` (somebody set the conversation's timer, and `message` says so), or `unreadable`.
    kind: &'static str,
    /// When it disappears; `null`: it stays.
    disappears_at_ms: Option<u64>,
    /// `null`: it did not open, or takes a newer version.
    message: Option<String>,
    signature_valid: bool,
}

/// Prints one message.
pub(super) fn print(message: &Message, as_json: bool) -> Result<(), Problem> {
    let with: Vec<&str> = message.readers.iter().map(|reader| reader.username.as_str()).collect();
    let from = message.author.username.as_str();
    if as_json {
        return json::object(&Line {
            place: message.place.map(|place| place.0),
            id: message.id.to_string(),
            from,
            with,
            sent_at_ms: message.sent_at_ms,
            mine: message.mine,
            unread: message.unread,
            kind: match &message.body {
                Body::Text(_) => "text",
                Body::Timer(_) => "timer",
                Body::NeedsNewerVersion | Body::Unreadable => "unreadable",
            },
            disappears_at_ms: message.disappears_at_ms,
            message: match &message.body {
                Body::Text(text) => Some(text.clone()),
                Body::Timer(seconds) => Some(timer_line(*seconds)),
                Body::NeedsNewerVersion | Body::Unreadable => None,
            },
            // What does not verify is never shown.
            signature_valid: true,
        });
    }
    let margin = "         ";
    let body = match &message.body {
        Body::Text(text) => format!("Message: {} ✔ (decrypted)", Shown::block(text, margin)),
        Body::Timer(seconds) => format!("Timer: {}", timer_line(*seconds)),
        Body::NeedsNewerVersion => "Message: (a newer version of this program can show it)".to_owned(),
        Body::Unreadable => "Message: ✘ (cannot be decrypted)".to_owned(),
    };
    data(format!("From: {}\n{body}", Shown::line(from)))?;
    if with.len() > 1 || message.mine {
        data(format!("With: {}", Shown::line(&with.join(", "))))?;
    }
    let disappears = message
        .disappears_at_ms
        .map(|at_ms| format!(" (disappears in {})", time::left(at_ms, system::now_ms())))
        .unwrap_or_default();
    data(format!("Sent: {}{disappears}", time::local(message.sent_at_ms)))
}

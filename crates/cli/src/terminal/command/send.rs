use std::io::{self, IsTerminal, Read};

use clap::Args;
use client::{Contact, Message, MessageState};
use protocol::{
    Username,
    id::{ConversationId, MessageId},
    limits::MAX_TEXT_BYTES,
};

use crate::{
    device::Account,
    system,
    terminal::{
        desk::Desk,
        ending::{Ending, Problem, Said},
        say::{data, json, patiently, talk},
    },
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging send
  secure-messaging send bob --message 'Hello Bob!'
  secure-messaging send bob carol < minutes.txt
  secure-messaging send ops --once backup-2026-11-25 --message 'The backup is done'";

/// A message is sent.
#[derive(Args, Debug)]
pub struct Send {
    /// To whom; several people read it together
    #[arg(value_name = "RECIPIENT")]
    recipients: Vec<String>,
    /// The text; without it, what comes in on standard input, or what is typed
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// A name for the message: under one name it is sent once, however often this is called
    #[arg(long, value_name = "NAME")]
    once: Option<String>,
}

#[derive(serde::Serialize)]
struct SentMessage<'a> {
    id: String,
    to: Vec<&'a str>,
    sent_at_ms: u64,
    /// When it disappears; `null`: it stays.
    disappears_at_ms: Option<u64>,
    /// How many devices of the others could not take it.
    missed_devices: u32,
}

impl Send {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let mut waits = false;
        let done = self.send(desk, &mut waits).await;
        if let Err(problem) = &done
            && problem.ending == Ending::Server
            && !waits
        {
            talk("Nothing was sent, and nothing waits here: try again later.");
        }
        done
    }

    async fn send(self, desk: &mut Desk, waits: &mut bool) -> Result<(), Problem> {
        let Self { mut recipients, message, once } = self;
        let account = desk.account().await?;
        if recipients.is_empty() {
            let typed = desk.options.line(None, "Recipient: ", "The recipient")?;
            recipients = typed.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        }
        let mut people = Vec::new();
        for name in &recipients {
            people.push(patiently("Looking for the recipient", person(&account, name)).await?);
        }
        let text = text(desk, message)?;
        let ids: Vec<_> = people.iter().map(|person| person.account).collect();
        let conversation = patiently("Fetching keys", account.open_conversation(&ids)).await?;
        // Somebody may have set the timer meanwhile. A server that is away is no reason not to write.
        let read = patiently("Reading", account.sync()).await;
        let id = match &once {
            Some(name) => {
                read?;
                account.compose_once(conversation, &text, name).await?
            }
            None => account.compose(conversation, &text).await?,
        };
        *waits = true;
        let sent = delivered(&account, conversation, id, "The message").await?;
        let missed_devices = sent.as_ref().map_or(0, |sent| sent.missed_devices);
        // Once it has come back through the mailbox, nothing of it waits here any more. It is sent whether or not that works.
        let _ = patiently("Sending", account.sync()).await;
        match missed_devices {
            0 => {}
            1 => talk("1 device of theirs could not take it: it will not be seen there."),
            missed => {
                talk(format!("{missed} devices of theirs could not take it: it will not be seen there."))
            }
        }
        if desk.options.json {
            let to = people.iter().map(|person| person.username.as_str()).collect();
            let (sent_at_ms, disappears_at_ms) =
                sent.map_or((system::now_ms(), None), |sent| (sent.sent_at_ms, sent.disappears_at_ms));
            return json::object(&SentMessage {
                id: id.to_string(),
                to,
                sent_at_ms,
                disappears_at_ms,
                missed_devices,
            });
        }
        data("Message encrypted and sent successfully.")
    }
}

/// Sends what waits, and says what became of this message. `None`: it was sent, and is not here any more.
pub(super) async fn delivered(
    account: &Account,
    conversation: ConversationId,
    id: MessageId,
    what: &str,
) -> Result<Option<Message>, Problem> {
    if let Err(interruption) = patiently("Sending", account.flush()).await {
        talk(format!("{what} is kept here, and goes out with the next command that reaches the server."));
        return Err(interruption.into());
    }
    let Some((_, message)) = account.message(id) else { return Ok(None) };
    match message.state {
        MessageState::Sent | MessageState::Received => Ok(Some(message)),
        MessageState::Failed(why) => {
            // It was not sent, and is not sent later behind the caller's back.
            account.discard(id).await?;
            let thread = account.thread(conversation);
            let changed = thread.map(|thread| thread.changed_keys).unwrap_or_default();
            Err(match changed.first() {
                Some(first) => Problem::key_changed(why, first),
                None => Problem::failed(why),
            })
        }
        MessageState::Queued | MessageState::Sending => {
            Err(Problem { ending: Ending::Server, said: Said::Unreachable })
        }
    }
}

/// Who has this name.
pub(super) async fn person(account: &Account, name: &str) -> Result<Contact, Problem> {
    let missing = || Problem::new(Ending::NotFound, format!("Recipient not found: {name}"));
    // What is no name belongs to nobody.
    let username: Username = name.trim().parse().map_err(|_| missing())?;
    account.find_user(&username).await?.ok_or_else(missing)
}

fn text(desk: &Desk, given: Option<String>) -> Result<String, Problem> {
    if given.is_some() || io::stdin().is_terminal() || desk.options.takes_standard_input() {
        return desk.options.line(given, "Message: ", "The message");
    }
    let mut bytes = Vec::new();
    // One byte more than fits: so that too long is told apart from cut off.
    let most = MAX_TEXT_BYTES as u64 + 1024;
    let read = io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|error| Problem::usage(format!("Standard input cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Problem::usage("What came in on standard input is no text"))
}

use std::io::{self, IsTerminal, Read};

use clap::Args;
use client::{Contact, MessageState};
use protocol::{Username, limits::MAX_TEXT_BYTES};

use crate::{
    device::Account,
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
        let id = match &once {
            Some(name) => {
                patiently("Reading", account.sync()).await?;
                account.compose_once(conversation, &text, name).await?
            }
            None => account.compose(conversation, &text).await?,
        };
        *waits = true;
        if let Err(interruption) = patiently("Sending", account.flush()).await {
            talk("The message is kept here, and goes out with the next command that reaches the server.");
            return Err(interruption.into());
        }
        let state = account.message(id).map(|(_, message)| message.state);
        match state {
            Some(MessageState::Sent) | Some(MessageState::Received) => {}
            Some(MessageState::Failed(why)) => {
                // It was not sent, and is not sent later behind the caller's back.
                account.discard(id).await?;
                let thread = account.thread(conversation);
                let changed = thread.map(|thread| thread.changed_keys).unwrap_or_default();
                return Err(match changed.first() {
                    Some(first) => Problem::new(
                        Ending::KeyChanged,
                        format!("{why}: `secure-messaging verify {} --accept`", first.username),
                    ),
                    None => Problem::failed(why),
                });
            }
            Some(MessageState::Queued | MessageState::Sending) | None => {
                return Err(Problem { ending: Ending::Server, said: Said::Unreachable });
            }
        }
        // Once it has come back through the mailbox, nothing of it waits here any more. It is sent whether or not that works.
        let _ = patiently("Sending", account.sync()).await;
        if desk.options.json {
            let (_, message) = account.message(id).ok_or_else(|| Problem::failed("The message is gone"))?;
            let to = people.iter().map(|person| person.username.as_str()).collect();
            return json::object(&SentMessage { id: id.to_string(), to, sent_at_ms: message.sent_at_ms });
        }
        data("Message encrypted and sent successfully.")
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

use std::{sync::Arc, time::Duration};

use clap::Args;
use client::{CallError, Interruption, Selection};
use protocol::Cursor;
use tokio::sync::Notify;

use super::inbox;
use crate::{
    device::{Account, Wake},
    terminal::{
        desk::Desk,
        ending::Problem,
        say::{data, talk},
    },
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging watch
  secure-messaging watch --after 1041 --json | while read -r message; do …; done";

/// The first pause before connecting again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// New messages are followed.
#[derive(Args, Debug)]
pub struct Watch {
    /// Begin after this place of the mailbox (`place` in JSON) instead of now: nothing in between is left out
    #[arg(long, value_name = "PLACE")]
    after: Option<u64>,
    /// Also what you send, from here and elsewhere
    #[arg(long)]
    sent: bool,
}

impl Watch {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        let machine = desk.machine().await?;
        desk.look_after();
        inbox::fetch(&account).await?;
        let mut seen = self.after.map_or_else(|| account.mailbox_end(), Cursor);
        if !desk.options.json {
            talk("Waiting for messages. Ctrl-C ends this.");
        }
        let news = Arc::new(Notify::new());
        // What came between is looked at first.
        news.notify_one();
        let mut pause = PAUSES.0;
        loop {
            let listening = machine.listen(|wake| {
                if matches!(wake, Wake::Listening | Wake::Mailbox) {
                    news.notify_one();
                }
            });
            let mut listening = std::pin::pin!(listening);
            let ended = loop {
                tokio::select! {
                    ended = &mut listening => break ended,
                    () = news.notified() => match self.show(&account, desk, &mut seen).await? {
                        Shown::All => pause = PAUSES.0,
                        Shown::Interrupted => break CallError::Unreachable,
                    },
                }
            };
            let interruption = Interruption::from(ended);
            if !interruption.passes_by_itself() {
                return Err(interruption.into());
            }
            if !desk.options.json && pause > PAUSES.0 {
                talk("The connection is lost; trying again …");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Fetches and prints what is new.
    async fn show(&self, account: &Account, desk: &mut Desk, seen: &mut Cursor) -> Result<Shown, Problem> {
        match account.sync().await {
            Ok(_) => {}
            Err(client::SyncError::Interrupted(interruption)) if interruption.passes_by_itself() => {
                return Ok(Shown::Interrupted);
            }
            Err(error) => return Err(error.into()),
        }
        // What cannot be sent now is tried again with the next wake.
        let _ = account.flush().await;
        desk.keep_token()?;
        account.forget().await?;
        let selection = Selection { conversation: None, mine: self.sent, limit: usize::MAX };
        for (_, message) in account.messages_after(*seen, selection) {
            inbox::print(&message, desk.options.json)?;
            if !desk.options.json {
                data("")?;
            }
        }
        *seen = account.mailbox_end().max(*seen);
        Ok(Shown::All)
    }
}

enum Shown {
    All,
    Interrupted,
}

//! The task that sends what waits.

use std::{sync::Arc, time::Duration};

use relay::{
    Relay,
    mail::{OutgoingMail, SendOutcome},
    port::StoreError,
};
use tracing::{error, info, warn};

use super::{
    Postbox, Writer,
    smtp::{NotTaken, Smtp},
};
use crate::shutdown::Shutdown;

/// After so long it is looked, whether or not there was a word: an operator's command may have queued something.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long the store is left alone after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long a letter that is being handed over may take after the wish to end: what is cut off is sent again later.
const GRACE: Duration = Duration::from_secs(5);

/// Everything that sending takes.
pub(crate) struct Job {
    pub(crate) relay: Relay,
    pub(crate) postbox: Arc<Postbox>,
    pub(crate) writer: Writer,
    pub(crate) smtp: Smtp,
}

impl Job {
    /// Sends what waits until the wish to end.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let end = async {
            shutdown.wished().await;
        };
        let mut end = std::pin::pin!(end);
        loop {
            let round = self.round();
            let mut round = std::pin::pin!(round);
            let pause = tokio::select! {
                pause = &mut round => pause,
                () = &mut end => {
                    // The letter in hand gets a little time; what was not taken then waits for the next start.
                    let _ = tokio::time::timeout(GRACE, round).await;
                    return;
                }
            };
            tokio::select! {
                () = self.postbox.word() => {}
                () = tokio::time::sleep(pause) => {}
                () = &mut end => return,
            }
        }
    }

    /// Sends what is due. How long there is nothing to do then.
    async fn round(&self) -> Duration {
        match self.send_due().await {
            Ok(pause) => pause.min(LONGEST_SLEEP),
            Err(problem) => {
                error!(%problem, "mail: the store failed");
                AFTER_FAILURE
            }
        }
    }

    async fn send_due(&self) -> Result<Duration, StoreError> {
        let mut is_server_usable = true;
        for mail in self.relay.next_letters().await? {
            let outcome = if is_server_usable {
                let taken = self.send(&mail).await;
                is_server_usable = !matches!(taken, Err(NotTaken::Server { .. }));
                outcome(&mail, taken)
            } else {
                // The others would fare no better, and each would wait for it.
                SendOutcome::TryLater
            };
            self.relay.letter_done(&mail, outcome).await?;
        }
        let pause_ms = self.relay.next_letter_in_ms().await?;
        Ok(pause_ms.map_or(LONGEST_SLEEP, Duration::from_millis))
    }

    async fn send(&self, mail: &OutgoingMail) -> Result<(), NotTaken> {
        let message = self.writer.write(&mail.to, &mail.letter);
        let message = message.map_err(|problem| NotTaken::Recipient(problem.to_string()))?;
        self.smtp.send(&message).await
    }
}

/// What becomes of a letter; one line for the operator.
fn outcome(mail: &OutgoingMail, taken: Result<(), NotTaken>) -> SendOutcome {
    let OutgoingMail { mail, tries, .. } = mail;
    match taken {
        Ok(()) => {
            info!(mail, tries, "mail: sent");
            SendOutcome::Sent
        }
        Err(problem @ NotTaken::Recipient(_)) => {
            warn!(mail, %problem, "mail: refused, it is not tried again");
            SendOutcome::Refused
        }
        Err(problem @ (NotTaken::Server { .. } | NotTaken::Letter(_))) => {
            warn!(mail, tries, %problem, "mail: not sent, it is tried again later");
            SendOutcome::TryLater
        }
    }
}

use crypto::one_time::{EmailToken, ResetToken};
use protocol::{EmailAddress, Refusal, Username};
use tracing::{error, info, warn};

use super::{Event, Letter, OutgoingMail, Queued};
use crate::{
    Relay,
    port::{DueMail, NewMail, StoreError},
};

/// How long a mail with a token makes sense: the person who asked for it waits.
const ASKED_FOR_MS: u64 = 60 * 60 * 1_000;
/// How long a notice makes sense.
const NOTICE_MS: u64 = 2 * 24 * 60 * 60 * 1_000;
/// Mails that are handed out at once.
const AT_ONCE: u32 = 20;
/// The pauses between the tries, in seconds; the last one goes on until the mail is over.
const PAUSES_S: [u64; 7] = [10, 30, 60, 120, 300, 600, 1_800];

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// A mail server has taken it.
    Sent,
    /// Not now: it is tried again.
    TryLater,
    /// A mail server refused it for good.
    Refused,
}

impl Relay {
    /// The mails that are due, each with a fresh token where it has one.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_letters(&self) -> Result<Vec<OutgoingMail>, StoreError> {
        let due = self.0.store.due_mails(self.0.now_ms(), AT_ONCE).await?;
        let mut letters = Vec::with_capacity(due.len());
        for mail in due {
            match self.write(&mail).await? {
                Some((to, letter)) => {
                    let DueMail { mail, tries, expires_at_ms, letter: _ } = mail;
                    letters.push(OutgoingMail { mail, tries, expires_at_ms, to, letter });
                }
                // Nobody has this address, or the wish was taken back.
                None => self.0.store.drop_mail(mail.mail).await?,
            }
        }
        Ok(letters)
    }

    /// When the next mail is due, in milliseconds from now; `None` when none waits.
    ///
    /// # Errors
    /// The store's.
    pub async fn next_letter_in_ms(&self) -> Result<Option<u64>, StoreError> {
        let due = self.0.store.next_mail_due_ms().await?;
        Ok(due.map(|due_ms| due_ms.saturating_sub(self.0.now_ms())))
    }

    /// Says what became of a mail.
    ///
    /// # Errors
    /// The store's.
    pub async fn letter_done(&self, mail: &OutgoingMail, outcome: SendOutcome) -> Result<(), StoreError> {
        match outcome {
            SendOutcome::Sent | SendOutcome::Refused => self.0.store.drop_mail(mail.mail).await,
            SendOutcome::TryLater => {
                let pause_s = PAUSES_S[(mail.tries as usize).min(PAUSES_S.len() - 1)];
                self.0.store.postpone_mail(mail.mail, self.0.now_ms() + pause_s * 1_000).await
            }
        }
    }

    async fn write(&self, due: &DueMail) -> Result<Option<(EmailAddress, Letter)>, StoreError> {
        let Ok(queued) = serde_json::from_str::<Queued>(&due.letter) else {
            error!(mail = due.mail, "a mail of another version waits in the queue: it is dropped");
            return Ok(None);
        };
        match queued {
            Queued::Forgotten { email } => {
                let accounts = self.arm_resets(&email, due.tries).await?;
                Ok((!accounts.is_empty()).then_some((email, Letter::ResetPassword { accounts })))
            }
            Queued::ConfirmEmail { account } => {
                let token = EmailToken::generate(&mut self.0.rng());
                let armed = self.0.store.arm_email(account, token.hash(), self.0.now_ms()).await?;
                Ok(armed.map(|armed| (armed.email, Letter::ConfirmEmail { username: armed.username, token })))
            }
            Queued::Notice { to, username, event, at_ms } => {
                Ok(Some((to, Letter::Notice { username, event, at_ms })))
            }
        }
    }

    /// A fresh token for each account of the address that did not get its share of mails yet.
    async fn arm_resets(
        &self,
        email: &EmailAddress,
        tries: u32,
    ) -> Result<Vec<(Username, ResetToken)>, StoreError> {
        let now_ms = self.0.now_ms();
        let mut armed = Vec::new();
        for user in self.0.store.accounts_of_email(&email.folded()).await? {
            // A mail that is tried again was counted the first time.
            if tries == 0 && self.0.brakes.mail_to(user.account, now_ms).is_err() {
                warn!(account = %user.account, "reset: this account was sent enough mails for now");
                continue;
            }
            let token = ResetToken::generate(&mut self.0.rng());
            if self.0.store.arm_reset(user.account, token.hash(), now_ms).await? {
                info!(account = %user.account, "reset: a token is good from now on");
                armed.push((user.username, token));
            }
        }
        Ok(armed)
    }

    /// Queues a mail that somebody waits for.
    pub(crate) async fn queue_asked_for(&self, queued: &Queued) -> Result<(), Refusal> {
        self.queue(queued, ASKED_FOR_MS).await.map_err(Refusal::from)
    }

    /// Tells the owner of an account what happened, where there is an address and a way to send mail. What happened has
    /// happened: a notice that cannot be queued, or is one too many, is only logged.
    pub(crate) async fn notify(&self, to: Option<&EmailAddress>, username: &Username, event: Event) {
        let Some(to) = to.filter(|_| self.0.mailer.is_configured()) else { return };
        let at_ms = self.0.now_ms();
        // What a session does can be repeated; an address may be somebody else's.
        if self.0.brakes.notice_to(to, at_ms).is_err() {
            return warn!("mail: this address was sent enough notices for now");
        }
        let notice = Queued::Notice { to: to.clone(), username: username.clone(), event, at_ms };
        if let Err(error) = self.queue(&notice, NOTICE_MS).await {
            let _logged = Refusal::from(error);
        }
    }

    async fn queue(&self, queued: &Queued, good_for_ms: u64) -> Result<(), StoreError> {
        let now_ms = self.0.now_ms();
        let letter = serde_json::to_string(queued).expect("what waits is a plain enum");
        let mail = NewMail { letter, queued_at_ms: now_ms, expires_at_ms: now_ms + good_for_ms };
        self.0.store.queue_mail(mail).await?;
        self.0.mailer.wake();
        Ok(())
    }
}

use protocol::{
    Refusal,
    profile::{ChangeEmail, Changed, ConfirmEmail, EmailConfirmed},
    refusal::Code,
};
use tracing::{info, warn};

use crate::{
    Caller, Network, Relay,
    mail::{Event, Queued},
    port::ConfirmedEmail,
    session::not_the_password,
};

/// How long the token that confirms an address is good: a day.
pub const EMAIL_TOKEN_MS: u64 = 24 * 60 * 60 * 1_000;

impl Relay {
    /// Sends a mail to the new address; until its link was followed, the old one stays. Without an address, the old one is
    /// removed at once.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses; [`Code::MailUnavailable`] when this server cannot send mail;
    /// [`Code::TooManyRequests`] after too many mails.
    pub async fn change_email(&self, caller: &Caller, request: ChangeEmail) -> Result<Changed, Refusal> {
        let ChangeEmail { proof, email } = request;
        if email.is_some() && !self.0.mailer.is_configured() {
            return Err(Refusal::because(
                Code::MailUnavailable,
                "This server cannot send mail, so an address cannot be confirmed: ask who runs it",
            ));
        }
        let (credentials, proven) = self.prove(caller, proof).await?;
        let (account, now_ms) = (caller.account(), self.0.now_ms());
        let is_wish = email.is_some();
        if is_wish {
            self.0.brakes.confirmation_to(account, now_ms)?;
        }
        if !self.0.store.wish_email(proven, email, now_ms).await? {
            return Err(not_the_password());
        }
        if is_wish {
            info!(%account, "account: another address is wished for");
            self.queue_asked_for(&Queued::ConfirmEmail { account }).await?;
            self.notify(credentials.email.as_ref(), &credentials.username, Event::EmailChangeAsked).await;
        } else {
            info!(%account, "account: the address is removed");
            self.notify(credentials.email.as_ref(), &credentials.username, Event::EmailChanged).await;
        }
        Ok(Changed {})
    }

    /// Fulfils the wish that a token confirms; the address before gets a notice.
    ///
    /// # Errors
    /// [`Code::InvalidToken`]; [`Code::TooManyRequests`].
    pub async fn confirm_email(
        &self,
        request: ConfirmEmail,
        network: Network,
    ) -> Result<EmailConfirmed, Refusal> {
        let ConfirmEmail { token } = request;
        let now_ms = self.0.now_ms();
        self.0.brakes.token(network, now_ms).inspect_err(|_| warn!("email: too many tokens were tried"))?;
        let armed_after_ms = now_ms.saturating_sub(EMAIL_TOKEN_MS);
        let Some(confirmed) = self.0.store.confirm_email(token.hash(), armed_after_ms).await? else {
            return Err(Code::InvalidToken.into());
        };
        let ConfirmedEmail { account, username, before, now } = confirmed;
        info!(%account, "account: another address is confirmed");
        self.notify(before.as_ref(), &username, Event::EmailChanged).await;
        Ok(EmailConfirmed { username, email: now })
    }
}

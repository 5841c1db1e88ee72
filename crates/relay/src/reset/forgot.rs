use protocol::{
    Refusal,
    refusal::Code,
    reset::{ForgotPassword, MailRequested},
};
use tracing::warn;

use crate::{Network, Relay, mail::Queued};

impl Relay {
    /// Queues a mail to everyone who has an account with this address. Whether anybody has is looked up when the mail is
    /// written: the answer, and the time that it takes, are the same.
    ///
    /// # Errors
    /// [`Code::MailUnavailable`] when this server cannot send mail; [`Code::TooManyRequests`].
    pub async fn forgot_password(
        &self,
        request: ForgotPassword,
        network: Network,
    ) -> Result<MailRequested, Refusal> {
        let ForgotPassword { email } = request;
        if !self.0.mailer.is_configured() {
            return Err(Code::MailUnavailable.into());
        }
        self.0
            .brakes
            .forgotten_password(network, self.0.now_ms())
            .inspect_err(|_| warn!("reset: too many mails were asked for"))?;
        self.queue_asked_for(&Queued::Forgotten { email }).await?;
        Ok(MailRequested {})
    }
}

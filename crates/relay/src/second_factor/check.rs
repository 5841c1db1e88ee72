use crypto::id::AccountId;
use protocol::{EmailAddress, Refusal, Username, refusal::Code, second_factor::SecondFactorCode};
use tracing::{error, warn};

use super::totp::Authenticator;
use crate::{
    Relay,
    mail::Event,
    port::{Credentials, StandingReset, StoredTotp},
};

/// Whose second factor is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Holder<'a> {
    pub(crate) account: AccountId,
    pub(crate) username: &'a Username,
    pub(crate) email: Option<&'a EmailAddress>,
    pub(crate) totp: Option<&'a StoredTotp>,
}

impl<'a> Holder<'a> {
    pub(crate) fn of(credentials: &'a Credentials) -> Self {
        let Credentials { account, username, email, totp, .. } = credentials;
        Self { account: *account, username, email: email.as_ref(), totp: totp.as_ref() }
    }

    pub(crate) fn of_reset(reset: &'a StandingReset) -> Self {
        let StandingReset { account, username, email, totp, .. } = reset;
        Self { account: *account, username, email: email.as_ref(), totp: totp.as_ref() }
    }
}

impl Relay {
    /// Asks for a code where the second factor is on, and uses it up.
    ///
    /// # Errors
    /// [`Code::SecondFactorRequired`] without a code; [`Code::WrongCode`]; [`Code::TooManyRequests`].
    pub(crate) async fn check_second_factor(
        &self,
        holder: Holder<'_>,
        code: Option<SecondFactorCode>,
    ) -> Result<(), Refusal> {
        let Some(totp) = holder.totp else { return Ok(()) };
        let code = code.ok_or(Code::SecondFactorRequired)?;
        let account = holder.account;
        if let Err(refusal) = self.0.brakes.code(account, self.0.now_ms()) {
            warn!(%account, "second factor: too many attempts");
            self.notify(holder.email, holder.username, Event::ManyWrongCodes).await;
            return Err(refusal);
        }
        let is_right = match code {
            SecondFactorCode::Totp(code) => {
                let secret = self.0.secrets.open_totp(account, &totp.sealed_secret);
                let authenticator =
                    secret.and_then(|secret| Authenticator::new(&secret, holder.username.as_str()));
                let Some(authenticator) = authenticator else {
                    error!(%account, "second factor: its secret does not open; was the server's secret replaced?");
                    return Err(Code::Internal.into());
                };
                match authenticator.step_of(code, Some(totp.last_step), self.0.now_ms()) {
                    Some(step) => self.0.store.use_totp_step(account, step).await?,
                    None => false,
                }
            }
            SecondFactorCode::Recovery(code) => {
                let used = self.0.store.use_recovery_code(account, code.hash()).await?;
                if used {
                    self.notify(holder.email, holder.username, Event::RecoveryCodeUsed).await;
                }
                used
            }
        };
        if !is_right {
            warn!(%account, "second factor: wrong code");
            self.keep_failure().await;
            return Err(Code::WrongCode.into());
        }
        self.0.brakes.code_succeeded(account);
        Ok(())
    }
}

use crypto::one_time::ResetToken;
use protocol::Username;
use tracing::info;

use crate::{Relay, port::StoreError};

/// Nobody has this name.
#[derive(Debug, thiserror::Error)]
pub enum NoSuchAccount {
    /// Nobody has this name.
    #[error("there is no account of this name")]
    Unknown,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Relay {
    /// A token that resets this account's password, for the operator to hand over. Like one from a mail it is good for an
    /// hour, once, and takes the place of an earlier one.
    ///
    /// # Errors
    /// [`NoSuchAccount`].
    pub async fn make_reset_token(&self, username: &Username) -> Result<ResetToken, NoSuchAccount> {
        let credentials = self.0.store.find_credentials(username).await?;
        let account = credentials.ok_or(NoSuchAccount::Unknown)?.account;
        let token = ResetToken::generate(&mut self.0.rng());
        if !self.0.store.arm_reset(account, token.hash(), self.0.now_ms()).await? {
            return Err(NoSuchAccount::Unknown);
        }
        info!(%account, "reset: the operator made a token");
        Ok(token)
    }

    /// Switches the second factor of an account off, for somebody who lost authenticator and recovery codes. All sessions
    /// end. `false`: it was off.
    ///
    /// # Errors
    /// [`NoSuchAccount`].
    pub async fn remove_second_factor(&self, username: &Username) -> Result<bool, NoSuchAccount> {
        let credentials = self.0.store.find_credentials(username).await?.ok_or(NoSuchAccount::Unknown)?;
        let Some(ended) = self.0.store.disable_totp(credentials.account, None).await? else {
            return Ok(false);
        };
        self.0.events.sessions_changed(credentials.account, &ended);
        info!(account = %credentials.account, "second factor: the operator switched it off");
        self.notify(credentials.email.as_ref(), username, crate::mail::Event::SecondFactorOff).await;
        Ok(true)
    }
}

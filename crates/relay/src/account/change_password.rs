use protocol::{
    Refusal,
    profile::{ChangePassword, ChangeRecoveryKey, Changed},
};
use tracing::info;

use crate::{
    Caller, Relay,
    mail::Event,
    port::NewWraps,
    session::{busy_refusal, not_the_password},
};

impl Relay {
    /// Sets a new password: the account key is sealed anew, all other sessions end, and a reset token that waits is
    /// worthless.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses; [`Code::Busy`](protocol::Code::Busy).
    pub async fn change_password(
        &self,
        caller: &Caller,
        request: ChangePassword,
    ) -> Result<Changed, Refusal> {
        let ChangePassword { proof, kdf, auth_key, wrapped_by_password } = request;
        let (credentials, proven) = self.prove(caller, proof).await?;
        let account = caller.account();
        let password_hash = self.0.passwords.hash(auth_key.clone()).await.map_err(busy_refusal)?;
        let sealed_wrap =
            self.0.secrets.seal_wrap(account, &auth_key, &wrapped_by_password, &mut self.0.rng());
        let wraps = NewWraps { kdf, password_hash, sealed_wrap };
        let ended = self.0.store.change_password(proven, wraps).await?.ok_or_else(not_the_password)?;
        self.0.events.sessions_changed(account, &ended);
        info!(%account, ended = ended.len(), "account: a new password is set");
        self.notify(credentials.email.as_ref(), &credentials.username, Event::PasswordChanged).await;
        Ok(Changed {})
    }

    /// Puts a new recovery key in the place of the old one, which opens nothing any more.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses.
    pub async fn change_recovery_key(
        &self,
        caller: &Caller,
        request: ChangeRecoveryKey,
    ) -> Result<Changed, Refusal> {
        let ChangeRecoveryKey { proof, wrapped_by_recovery_key } = request;
        let (credentials, proven) = self.prove(caller, proof).await?;
        let account = caller.account();
        if !self.0.store.change_recovery_wrap(proven, wrapped_by_recovery_key, self.0.now_ms()).await? {
            return Err(not_the_password());
        }
        info!(%account, "account: a new recovery key");
        self.notify(credentials.email.as_ref(), &credentials.username, Event::RecoveryKeyChanged).await;
        Ok(Changed {})
    }

    /// Tells the caller's owner by mail.
    pub(crate) async fn tell_owner(&self, caller: &Caller, event: Event) {
        match self.0.store.credentials_of(caller.account()).await {
            Ok(Some(found)) => self.notify(found.email.as_ref(), &found.username, event).await,
            Ok(None) => {}
            Err(error) => {
                let _logged = Refusal::from(error);
            }
        }
    }
}

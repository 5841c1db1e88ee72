use crypto::kdf::AuthKey;
use protocol::{Refusal, Username, proof::Proof, refusal::Code};
use tracing::warn;

use super::{Caller, busy_refusal};
use crate::{
    Network, Relay,
    port::{Credentials, PasswordHash},
    second_factor::Holder,
};

impl Relay {
    /// Checks a password against the credentials of a name, or against those of nobody: the same answer after the same
    /// work. A wrong one is counted, and outlasts a restart.
    ///
    /// # Errors
    /// [`Code::WrongCredentials`], [`Code::TooManyRequests`], [`Code::Busy`].
    pub(crate) async fn check_password(
        &self,
        username: &Username,
        credentials: Option<&Credentials>,
        auth_key: &AuthKey,
        network: Network,
    ) -> Result<(), Refusal> {
        let now_ms = self.0.now_ms();
        self.0
            .brakes
            .password(username, network, now_ms)
            .inspect_err(|_| warn!("password: too many attempts"))?;
        let hash = match credentials {
            Some(credentials) => credentials.password_hash.clone(),
            None => PasswordHash::of_nobody(self.0.policy.bcrypt_cost),
        };
        let is_right = self.0.passwords.verify(auth_key.clone(), hash).await.map_err(|busy| {
            self.0.brakes.password_unchecked(username, network);
            busy_refusal(busy)
        })?;
        if credentials.is_none() || !is_right {
            warn!("password: wrong credentials");
            self.keep_failure().await;
            return Err(Code::WrongCredentials.into());
        }
        self.0.brakes.password_succeeded(username, network);
        Ok(())
    }

    /// That it is the owner who asks: the password once more, and a code where the second factor is on.
    ///
    /// # Errors
    /// [`Code::WrongCredentials`], [`Code::SecondFactorRequired`], [`Code::WrongCode`], [`Code::TooManyRequests`],
    /// [`Code::Busy`]; [`Code::NotSignedIn`] when the account was deleted meanwhile.
    pub(crate) async fn prove(&self, caller: &Caller, proof: Proof) -> Result<Credentials, Refusal> {
        let Proof { auth_key, code } = proof;
        let credentials = self.prove_password(caller, &auth_key).await?;
        self.check_second_factor(Holder::of(&credentials), code).await?;
        Ok(credentials)
    }

    /// The password once more.
    pub(super) async fn prove_password(
        &self,
        caller: &Caller,
        auth_key: &AuthKey,
    ) -> Result<Credentials, Refusal> {
        let Some(credentials) = self.0.store.credentials_of(caller.account).await? else {
            return Err(Code::NotSignedIn.into());
        };
        self.check_password(&caller.username, Some(&credentials), auth_key, caller.network).await.map_err(
            |refusal| match refusal.code {
                Code::WrongCredentials => {
                    Refusal::because(Code::WrongCredentials, "This is not your password")
                }
                _ => refusal,
            },
        )?;
        Ok(credentials)
    }
}

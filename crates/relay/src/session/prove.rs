use crypto::kdf::AuthKey;
use protocol::{Refusal, Username, proof::Proof, refusal::Code};
use tracing::warn;

use super::{Caller, busy_refusal};
use crate::{
    Network, Relay,
    port::{Credentials, PasswordHash, Proven},
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
    pub(crate) async fn prove(
        &self,
        caller: &Caller,
        proof: Proof,
    ) -> Result<(Credentials, Proven), Refusal> {
        let Proof { auth_key, code } = proof;
        let credentials = self.prove_password(caller, &auth_key).await?;
        self.check_second_factor(Holder::of(&credentials), code).await?;
        let password_hash = credentials.password_hash.clone();
        let proven = Proven { account: caller.account, session: caller.session, password_hash };
        Ok((credentials, proven))
    }

    /// The password once more. Wrong ones are counted for the account, apart from those of strangers at the door: nobody
    /// outside can keep an open session from being unlocked.
    ///
    /// # Errors
    /// As [`Self::prove`], without those of the code.
    pub(super) async fn prove_password(
        &self,
        caller: &Caller,
        auth_key: &AuthKey,
    ) -> Result<Credentials, Refusal> {
        let account = caller.account;
        let Some(credentials) = self.0.store.credentials_of(account).await? else {
            return Err(Code::NotSignedIn.into());
        };
        let brakes = &self.0.brakes;
        brakes
            .proof(account, self.0.now_ms())
            .inspect_err(|_| warn!(%account, "proof: too many attempts"))?;
        let hash = credentials.password_hash.clone();
        let is_right = self.0.passwords.verify(auth_key.clone(), hash).await.map_err(|busy| {
            brakes.proof_unchecked(account);
            busy_refusal(busy)
        })?;
        if !is_right {
            warn!(%account, "proof: wrong password");
            self.keep_failure().await;
            return Err(not_the_password());
        }
        brakes.proof_succeeded(account);
        Ok(credentials)
    }
}

/// Also what is said when the password was changed while the old one was being checked.
pub(crate) fn not_the_password() -> Refusal {
    Refusal::because(Code::WrongCredentials, "This is not your password")
}

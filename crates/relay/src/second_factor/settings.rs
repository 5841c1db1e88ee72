use crypto::{id::TokenHash, one_time::RecoveryCode};
use protocol::{
    Refusal,
    refusal::Code,
    second_factor::{
        BeginTotp, DisableTotp, EnableTotp, RECOVERY_CODES, RecoveryCodes, RenewRecoveryCodes,
        TOTP_SECRET_BYTES, TotpBegun, TotpDisabled,
    },
};
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::totp::Authenticator;
use crate::{Caller, Relay, mail::Event};

impl Relay {
    /// Draws a secret for an authenticator. Nothing is asked for until [`Self::enable_totp`].
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses; [`Code::SecondFactorConflict`] when the second factor is on.
    pub async fn begin_totp(&self, caller: &Caller, request: BeginTotp) -> Result<TotpBegun, Refusal> {
        let BeginTotp { proof } = request;
        let (credentials, proven) = self.prove(caller, proof).await?;
        let mut secret = Zeroizing::new([0; TOTP_SECRET_BYTES]);
        self.0.entropy.fill(&mut *secret);
        let shown = Authenticator::new(&*secret, credentials.username.as_str())
            .and_then(|authenticator| authenticator.shown())
            .ok_or(Code::Internal)?;
        let sealed = self.0.secrets.seal_totp(caller.account(), &*secret, &mut self.0.rng());
        if !self.0.store.begin_totp(proven, sealed).await? {
            return Err(is_on());
        }
        Ok(shown)
    }

    /// Switches the second factor on, once a code shows that the authenticator holds the secret.
    ///
    /// # Errors
    /// [`Code::WrongCode`]; [`Code::SecondFactorConflict`] when no authenticator is being set up;
    /// [`Code::TooManyRequests`].
    pub async fn enable_totp(&self, caller: &Caller, request: EnableTotp) -> Result<RecoveryCodes, Refusal> {
        let EnableTotp { code } = request;
        let account = caller.account();
        let Some(sealed) = self.0.store.find_pending_totp(account).await? else {
            return Err(Code::SecondFactorConflict.into());
        };
        let now_ms = self.0.now_ms();
        self.0.brakes.code(account, now_ms)?;
        let secret = self.0.secrets.open_totp(account, &sealed).ok_or(Code::Internal)?;
        let authenticator = Authenticator::new(&secret, caller.username().as_str()).ok_or(Code::Internal)?;
        let Some(step) = authenticator.step_of(code, None, now_ms) else {
            warn!(%account, "second factor: wrong first code");
            self.keep_failure().await;
            return Err(Code::WrongCode.into());
        };
        let (codes, hashes) = self.new_recovery_codes();
        if !self.0.store.enable_totp(account, sealed, step, hashes, now_ms).await? {
            return Err(Code::SecondFactorConflict.into());
        }
        self.0.brakes.code_succeeded(account);
        info!(%account, "second factor: on");
        self.tell_owner(caller, Event::SecondFactorOn).await;
        Ok(codes)
    }

    /// Ten new recovery codes; the ones before are worth nothing any more.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses; [`Code::SecondFactorConflict`] when the second factor is off.
    pub async fn renew_recovery_codes(
        &self,
        caller: &Caller,
        request: RenewRecoveryCodes,
    ) -> Result<RecoveryCodes, Refusal> {
        let RenewRecoveryCodes { proof } = request;
        let (_, proven) = self.prove(caller, proof).await?;
        let (codes, hashes) = self.new_recovery_codes();
        if !self.0.store.replace_recovery_codes(proven, hashes).await? {
            return Err(is_off());
        }
        info!(account = %caller.account(), "second factor: new recovery codes");
        Ok(codes)
    }

    /// Switches the second factor off. All other sessions end.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses; [`Code::SecondFactorConflict`] when the second factor is off.
    pub async fn disable_totp(&self, caller: &Caller, request: DisableTotp) -> Result<TotpDisabled, Refusal> {
        let DisableTotp { proof } = request;
        let (credentials, proven) = self.prove(caller, proof).await?;
        let account = caller.account();
        let Some(ended) = self.0.store.disable_totp(account, Some(proven)).await? else {
            return Err(is_off());
        };
        self.0.events.sessions_changed(account, &ended);
        info!(%account, "second factor: off");
        self.notify(credentials.email.as_ref(), &credentials.username, Event::SecondFactorOff).await;
        Ok(TotpDisabled {})
    }

    fn new_recovery_codes(&self) -> (RecoveryCodes, Vec<TokenHash>) {
        let codes: Vec<RecoveryCode> =
            (0..RECOVERY_CODES).map(|_| RecoveryCode::generate(&mut self.0.rng())).collect();
        let hashes = codes.iter().map(RecoveryCode::hash).collect();
        (RecoveryCodes { codes }, hashes)
    }
}

fn is_on() -> Refusal {
    Refusal::because(Code::SecondFactorConflict, "Two-factor authentication is on already")
}

fn is_off() -> Refusal {
    Refusal::because(Code::SecondFactorConflict, "Two-factor authentication is off")
}

use crypto::reset_proof::NewPassword;
use protocol::{
    Refusal,
    refusal::Code,
    reset::{NewKeys, PasswordReset, RedeemReset, ResetKeys},
};
use tracing::{info, warn};

use crate::{
    Network, Relay,
    account::check_first_rows,
    mail::Event,
    port::{NewWraps, RedeemedKeys, Redemption, StandingReset},
    second_factor::Holder,
    session::busy_refusal,
};

impl Relay {
    /// Sets a new password. The token is used up, every session ends, and nobody is signed in: that takes the new password.
    ///
    /// Who keeps the keys shows to hold them; who replaces them finds the old vault put away, sealed as it is.
    ///
    /// # Errors
    /// [`Code::InvalidToken`], [`Code::TokenExpired`]; [`Code::SecondFactorRequired`], [`Code::WrongCode`];
    /// [`Code::InvalidKeys`] for a proof or keys that do not hold; [`Code::InvalidRequest`] for the first rows of a new
    /// vault; [`Code::TooManyRequests`]; [`Code::Busy`].
    pub async fn redeem_reset(
        &self,
        request: RedeemReset,
        network: Network,
    ) -> Result<PasswordReset, Refusal> {
        let standing = self.standing_reset(&request.token, network).await?;
        check_keys(&request, &standing).inspect_err(|refusal| {
            warn!(account = %standing.account, code = ?refusal.code, "reset: the keys were refused");
        })?;
        let RedeemReset { token, code, kdf, auth_key, wrapped_by_password, keys } = request;
        self.check_second_factor(Holder::of_reset(&standing), code).await?;

        let StandingReset { account, username, email, .. } = standing;
        let password_hash = self.0.passwords.hash(auth_key.clone()).await.map_err(busy_refusal)?;
        let sealed_wrap =
            self.0.secrets.seal_wrap(account, &auth_key, &wrapped_by_password, &mut self.0.rng());
        let keys_kept = matches!(keys, ResetKeys::Keep { .. });
        let keys = match keys {
            ResetKeys::Keep { proof: _ } => RedeemedKeys::Keep,
            ResetKeys::Replace(new) => {
                let NewKeys { wrapped_by_recovery_key, identity, prekey, vault } = *new;
                RedeemedKeys::Replace { wrapped_by_recovery_key, identity, prekey, vault }
            }
        };
        let redemption = Redemption {
            token: token.hash(),
            account,
            wraps: NewWraps { kdf, password_hash, sealed_wrap },
            keys,
            at_ms: self.0.now_ms(),
        };
        let Some(ended) = self.0.store.redeem_reset(redemption).await? else {
            return Err(Code::InvalidToken.into());
        };
        self.0.events.sessions_changed(account, &ended);
        self.0.brakes.forget_failures(&username, network);
        info!(%account, keys_kept, "reset: a new password is set");
        self.notify(email.as_ref(), &username, Event::PasswordReset { keys_kept }).await;
        Ok(PasswordReset { username })
    }
}

fn check_keys(request: &RedeemReset, standing: &StandingReset) -> Result<(), Refusal> {
    let RedeemReset { token, code: _, kdf, auth_key, wrapped_by_password, keys } = request;
    let account = standing.account;
    match keys {
        ResetKeys::Keep { proof } => {
            let new = NewPassword { account, token: token.hash(), kdf, auth_key, wrapped_by_password };
            new.verify(&standing.identity, proof).map_err(|_| {
                Refusal::because(Code::InvalidKeys, "The account's identity key does not vouch for this")
            })
        }
        ResetKeys::Replace(new) => {
            let NewKeys { wrapped_by_recovery_key: _, identity, prekey, vault } = &**new;
            check_first_rows(vault, prekey)?;
            prekey
                .verify(account, identity)
                .map_err(|problem| Refusal::because(Code::InvalidKeys, format!("The prekey {problem}")))?;
            // Exactly the next ones: who could skip numbers could use them up.
            let counts_on = Some(prekey.id().0) == standing.prekey.id().0.checked_add(1)
                && Some(prekey.sequence()) == standing.prekey.sequence().checked_add(1);
            if *identity == standing.identity || !counts_on {
                return Err(Refusal::because(
                    Code::InvalidKeys,
                    "New keys are other keys, and their numbers are the next ones",
                ));
            }
            Ok(())
        }
    }
}

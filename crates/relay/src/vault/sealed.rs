use protocol::{
    Refusal,
    refusal::Code,
    vault::{DropSealedVault, FetchSealedVault, SealedVaultDropped, SealedVaultRows},
};
use tracing::{info, warn};

use crate::{Caller, Relay};

impl Relay {
    /// A vault that a reset put away. Its rows and its wrap by the recovery key open nothing by themselves; the wrap by the
    /// password of that time comes only to who knows that password.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::WrongCredentials`], [`Code::TooManyRequests`] when a password is tried.
    pub async fn fetch_sealed_vault(
        &self,
        caller: &Caller,
        request: FetchSealedVault,
    ) -> Result<SealedVaultRows, Refusal> {
        let FetchSealedVault { number, auth_key } = request;
        let Some(stored) = self.0.store.find_sealed_vault(caller.account(), number).await? else {
            return Err(Code::NotFound.into());
        };
        let mut wrapped_by_password = None;
        if let Some(auth_key) = auth_key {
            self.0.brakes.proof(caller.account(), self.0.now_ms())?;
            let opened = self.0.secrets.open_wrap(caller.account(), &auth_key, &stored.sealed_wrap);
            let Some(opened) = opened else {
                warn!(account = %caller.account(), "sealed vault: wrong password");
                self.keep_failure().await;
                return Err(Refusal::because(
                    Code::WrongCredentials,
                    "This was not your password before the reset",
                ));
            };
            self.0.brakes.proof_unchecked(caller.account());
            wrapped_by_password = Some(opened);
        }
        Ok(SealedVaultRows {
            wrapped_by_recovery_key: stored.wrapped_by_recovery_key,
            wrapped_by_password,
            rows: stored.rows,
        })
    }

    /// Removes a vault that was put away, after what it held was taken over: only who has opened it can vouch for that. A
    /// session, or a password that was set by a mail, is not enough to destroy what was written.
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::InvalidKeys`] when the identity key that stands in it does not vouch.
    pub async fn drop_sealed_vault(
        &self,
        caller: &Caller,
        request: DropSealedVault,
    ) -> Result<SealedVaultDropped, Refusal> {
        let DropSealedVault { number, proof } = request;
        let account = caller.account();
        let Some(stored) = self.0.store.find_sealed_vault(account, number).await? else {
            return Err(Code::NotFound.into());
        };
        proof.verify_opened_vault(account, number, &stored.identity).map_err(|_| {
            Refusal::because(Code::InvalidKeys, "The identity key of this vault does not vouch for its end")
        })?;
        if !self.0.store.drop_sealed_vault(caller.account(), number).await? {
            return Err(Code::NotFound.into());
        }
        info!(account = %caller.account(), "sealed vault: taken over and removed");
        Ok(SealedVaultDropped {})
    }
}

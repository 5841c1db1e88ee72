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
            let (username, network) = (caller.username(), caller.network());
            self.0.brakes.password(username, network, self.0.now_ms())?;
            let opened = self.0.secrets.open_wrap(caller.account(), &auth_key, &stored.sealed_wrap);
            let Some(opened) = opened else {
                warn!(account = %caller.account(), "sealed vault: wrong password");
                self.keep_failure().await;
                return Err(Refusal::because(
                    Code::WrongCredentials,
                    "This was not your password before the reset",
                ));
            };
            self.0.brakes.password_unchecked(username, network);
            wrapped_by_password = Some(opened);
        }
        Ok(SealedVaultRows {
            wrapped_by_recovery_key: stored.wrapped_by_recovery_key,
            wrapped_by_password,
            rows: stored.rows,
        })
    }

    /// Removes a vault that was put away, after what it held was taken over.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn drop_sealed_vault(
        &self,
        caller: &Caller,
        request: DropSealedVault,
    ) -> Result<SealedVaultDropped, Refusal> {
        let DropSealedVault { number } = request;
        if !self.0.store.drop_sealed_vault(caller.account(), number).await? {
            return Err(Code::NotFound.into());
        }
        info!(account = %caller.account(), "sealed vault: taken over and removed");
        Ok(SealedVaultDropped {})
    }
}

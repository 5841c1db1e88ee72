use protocol::second_factor::{
    BeginTotp, DisableTotp, EnableTotp, RecoveryCodes, RenewRecoveryCodes, TotpBegun, TotpCode,
};

use super::{Confirmation, SettingsError};
use crate::{Account, Device};

impl<D: Device> Account<D> {
    /// Draws a secret for an authenticator: to be shown as a QR code and as text. Nothing is asked for yet.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn begin_totp(&self, confirmation: &Confirmation) -> Result<TotpBegun, SettingsError> {
        let proof = self.0.proof(confirmation).await?;
        Ok(self.0.device.call(BeginTotp { proof }).await?)
    }

    /// Switches the second factor on with the first code of the authenticator. The recovery codes are shown once.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn enable_totp(&self, code: TotpCode) -> Result<RecoveryCodes, SettingsError> {
        Ok(self.0.device.call(EnableTotp { code }).await?)
    }

    /// Ten new recovery codes in the place of those that there are.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn renew_recovery_codes(
        &self,
        confirmation: &Confirmation,
    ) -> Result<RecoveryCodes, SettingsError> {
        let proof = self.0.proof(confirmation).await?;
        Ok(self.0.device.call(RenewRecoveryCodes { proof }).await?)
    }

    /// Switches the second factor off. All other sessions end.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn disable_totp(&self, confirmation: &Confirmation) -> Result<(), SettingsError> {
        let proof = self.0.proof(confirmation).await?;
        self.0.device.call(DisableTotp { proof }).await?;
        Ok(())
    }
}

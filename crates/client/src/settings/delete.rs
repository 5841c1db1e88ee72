use protocol::profile::DeleteAccount;

use super::{Confirmation, SettingsError};
use crate::{Account, Device};

impl<D: Device> Account<D> {
    /// Deletes the account on the server, for ever, and everything of it on this device. Those one wrote with keep what they
    /// received.
    ///
    /// # Errors
    /// [`SettingsError`]. After [`SettingsError::Interrupted`] with
    /// [`Interruption::Device`](crate::Interruption::Device) the account is deleted, and something may be left on this
    /// device.
    pub async fn delete_account(&self, confirmation: &Confirmation) -> Result<(), SettingsError> {
        let proof = self.0.proof(confirmation).await?;
        self.0.device.call(DeleteAccount { proof }).await?;
        Ok(self.0.forget_on_device().await?)
    }
}

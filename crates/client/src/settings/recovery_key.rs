use crypto::{
    account_key::AccountKey,
    recovery::{RecoveryKey, RecoveryKeyTypo},
};
use protocol::profile::{ChangeRecoveryKey, FetchRecoveryWrap};

use super::{Confirmation, SettingsError};
use crate::{Account, Device, Interruption, device::DeviceRng};

/// Why a typed recovery key was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryKeyRefused {
    /// It is mistyped. Nothing was sent.
    #[error(transparent)]
    Typo(#[from] RecoveryKeyTypo),
    /// It is a recovery key, but not the one of this account; or not the newest.
    #[error("This recovery key does not open this account: is it another account's, or an older one?")]
    OfAnother,
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

/// A recovery key that was drawn and does not count yet: the old one does until [`Account::change_recovery_key`].
#[derive(Clone)]
pub struct NewRecoveryKey(RecoveryKey);

impl NewRecoveryKey {
    /// The key, to be shown to its owner.
    pub fn key(&self) -> &RecoveryKey {
        &self.0
    }
}

impl<D: Device> Account<D> {
    /// Whether what was typed is the account's recovery key. The key does not leave the device.
    ///
    /// # Errors
    /// [`RecoveryKeyRefused`].
    pub async fn test_recovery_key(&self, typed: &str) -> Result<(), RecoveryKeyRefused> {
        let key = RecoveryKey::parse(typed)?;
        let engine = &self.0;
        let wrap = engine.device.call(FetchRecoveryWrap {}).await.map_err(Interruption::from)?;
        let opened =
            AccountKey::unwrap_with_recovery_key(engine.me.account, &key, &wrap.wrapped_by_recovery_key);
        match opened {
            Ok(account_key) if account_key == engine.account_key => Ok(()),
            _ => Err(RecoveryKeyRefused::OfAnother),
        }
    }

    /// Draws a new recovery key. It counts only after [`Self::change_recovery_key`]: let its owner keep it first.
    pub fn draw_recovery_key(&self) -> NewRecoveryKey {
        NewRecoveryKey(RecoveryKey::generate(&mut DeviceRng(&*self.0.device)))
    }

    /// Puts a new recovery key in the place of the old one, which opens nothing any more.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn change_recovery_key(
        &self,
        confirmation: &Confirmation,
        new: &NewRecoveryKey,
    ) -> Result<(), SettingsError> {
        let engine = &self.0;
        let proof = engine.proof(confirmation).await?;
        let wrapped_by_recovery_key = engine.account_key.wrap_with_recovery_key(
            engine.me.account,
            &new.0,
            &mut DeviceRng(&*engine.device),
        );
        engine.device.call(ChangeRecoveryKey { proof, wrapped_by_recovery_key }).await?;
        Ok(())
    }
}

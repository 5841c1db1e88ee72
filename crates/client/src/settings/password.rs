use crypto::kdf::KdfParams;
use protocol::{password, profile::ChangePassword};

use super::{Confirmation, SettingsError};
use crate::{Account, Device, Interruption, device::DeviceRng, engine::Engine, sign_in::remember_kdf};

impl<D: Device> Account<D> {
    /// Sets a new password: the account key is sealed anew under a new salt, all other sessions end. This one goes on, and
    /// everything stays readable.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn change_password(
        &self,
        confirmation: &Confirmation,
        new_password: &str,
    ) -> Result<(), SettingsError> {
        let engine = &self.0;
        password::check(new_password, Some(&engine.me.username))?;
        let proof = engine.proof(confirmation).await?;
        let kdf = KdfParams::generate(&mut DeviceRng(&*engine.device));
        let stretched = engine.device.stretch(&kdf, new_password).await;
        let wrapped_by_password = engine.account_key.wrap_with_password(
            engine.me.account,
            &stretched.wrap_key(),
            &kdf,
            &mut DeviceRng(&*engine.device),
        );
        let auth_key = stretched.auth_key();
        // Whatever becomes of the answer.
        let was_begun = engine.has_begun_revocation().await?;
        engine.begin_revocation(&[]).await?;
        let change = ChangePassword { proof, kdf, auth_key, wrapped_by_password };
        if let Err(error) = engine.device.call(change).await {
            let error = SettingsError::from(error);
            let may_be_set = matches!(&error, SettingsError::Interrupted(error) if !matches!(error, Interruption::Refused(_)));
            if !may_be_set && !was_begun {
                engine.forget_revocation().await?;
            }
            return Err(error);
        }
        remember_kdf(&*engine.device, &engine.me.username, &kdf).await?;
        engine.after_new_password().await;
        Ok(())
    }
}

impl<D: Device> Engine<D> {
    /// All other sessions have ended: their devices leave the log, and prekeys and archive epoch are new. The password is set,
    /// whatever becomes of this: what is interrupted here, the next upkeep goes on with.
    async fn after_new_password(&self) {
        let tidy = async {
            // Another tab may have finished it before the others were out.
            self.begin_revocation(&[]).await?;
            let this = self.this_device().await?;
            self.end_devices_without_session(&this).await?;
            self.finish_revocation().await
        };
        let _: Result<(), Interruption> = tidy.await;
    }
}

use crypto::one_time::EmailToken;
use protocol::{
    EmailAddress,
    policy::{FetchPolicy, ServerPolicy},
    profile::{ChangeEmail, ConfirmEmail, EmailConfirmed, FetchProfile, Profile, SetLoginMails},
};

use super::{Confirmation, SettingsError};
use crate::{Account, Device, Interruption};

/// What the server offers to anybody.
///
/// # Errors
/// [`Interruption`].
pub async fn policy(device: &impl Device) -> Result<ServerPolicy, Interruption> {
    Ok(device.call(FetchPolicy {}).await?)
}

/// Shows that a new address is read; it takes the place of the old one. Takes no session: the mail is opened wherever it
/// is opened.
///
/// # Errors
/// [`Interruption`]; [`Interruption::Refused`] for a token that is not good any more.
pub async fn confirm_email(device: &impl Device, token: EmailToken) -> Result<EmailConfirmed, Interruption> {
    Ok(device.call(ConfirmEmail { token }).await?)
}

impl<D: Device> Account<D> {
    /// What the settings show.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn profile(&self) -> Result<Profile, Interruption> {
        Ok(self.0.device.call(FetchProfile {}).await?)
    }

    /// Asks for another address: a mail goes there, and it counts once its link was followed. `None` removes the address.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn change_email(
        &self,
        confirmation: &Confirmation,
        email: Option<EmailAddress>,
    ) -> Result<(), SettingsError> {
        let proof = self.0.proof(confirmation).await?;
        self.0.device.call(ChangeEmail { proof, email }).await?;
        Ok(())
    }

    /// Says whether a mail tells of each new sign-in.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn set_login_mails(&self, login_mails: bool) -> Result<(), Interruption> {
        self.0.device.call(SetLoginMails { login_mails }).await?;
        Ok(())
    }
}

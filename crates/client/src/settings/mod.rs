//! What an account's owner changes: password, address, second factor, recovery key, sessions, and the account itself.
//!
//! What protects the account is changed only by who knows the password (and has a code, where the second factor is on):
//! see [`Confirmation`].

mod delete;
mod password;
mod profile;
mod recovery_key;
mod second_factor;
mod sessions;

use protocol::{
    Code, account::CurrentSession, password::PasswordRefused, proof::Proof, second_factor::SecondFactorCode,
};
use zeroize::Zeroizing;

use crate::{
    CallError, Device, Interruption, SignInError, StoreUnavailable, engine::Engine,
    sign_in::stretch_as_before,
};

pub use profile::{confirm_email, policy};
pub use recovery_key::{NewRecoveryKey, RecoveryKeyRefused};

/// The password, and a code where the second factor is on, once more.
#[derive(Clone)]
pub struct Confirmation {
    /// The password, as it was typed.
    pub password: Zeroizing<String>,
    /// A code.
    pub code: Option<SecondFactorCode>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The password is wrong.
    #[error("This is not your password")]
    WrongPassword,
    /// The second factor is on, and no code was given.
    #[error("Enter the code of your authenticator, or one of your recovery codes")]
    SecondFactorRequired,
    /// The code is wrong, or was used.
    #[error("This code is wrong or was used already: type the one that is shown now")]
    WrongCode,
    /// The new password breaks a rule. Nothing was sent.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// The server asks for a cheaper stretching of the password than before.
    #[error(
        "The server asks to protect your password less than before: nothing was sent, ask who runs the server"
    )]
    WeakerProtection,
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl From<StoreUnavailable> for SettingsError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Interrupted(error.into())
    }
}

impl From<CallError> for SettingsError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => match refusal.code {
                Code::WrongCredentials => Self::WrongPassword,
                Code::SecondFactorRequired => Self::SecondFactorRequired,
                Code::WrongCode => Self::WrongCode,
                _ => Interruption::from(CallError::Refused(refusal)).into(),
            },
            error => Interruption::from(error).into(),
        }
    }
}

impl<D: Device> Engine<D> {
    /// What the server takes for the owner's word.
    async fn proof(&self, confirmation: &Confirmation) -> Result<Proof, SettingsError> {
        let current = self.device.call(CurrentSession {}).await?;
        if current.account != self.me.account {
            return Err(Interruption::SessionEnded.into());
        }
        let password = &confirmation.password;
        let stretched = stretch_as_before(&*self.device, &self.me.username, &current.kdf, password).await;
        let stretched = stretched.map_err(|error| match error {
            SignInError::Interrupted(interruption) => interruption.into(),
            _ => SettingsError::WeakerProtection,
        })?;
        Ok(Proof { auth_key: stretched.auth_key(), code: confirmation.code.clone() })
    }
}

//! Making an account: everything is drawn on the device, and one call makes it.

use std::sync::Arc;

use crypto::{
    account_key::AccountKey,
    id::{AccountId, PrekeyId},
    kdf::{KdfParams, StretchedPassword},
    one_time::InviteToken,
    recovery::RecoveryKey,
};
use protocol::{
    Code, EmailAddress, Username,
    account::Register,
    password::{self, PasswordRefused},
};
use zeroize::Zeroizing;

use crate::{Account, CallError, Device, Interruption, device::DeviceRng, engine::Engine, new_keys::NewKeys};

/// How often the call is repeated when no answer comes.
const TRIES: usize = 3;

/// What a person fills in.
#[derive(Clone)]
pub struct SignUp {
    /// The name, free for the taking.
    pub username: Username,
    /// The password, as it was typed.
    pub password: Zeroizing<String>,
    /// Where a password reset may be mailed to.
    pub email: Option<EmailAddress>,
    /// An invitation, where the server asks for one.
    pub invite: Option<InviteToken>,
    /// What the session is called in the list of sessions.
    pub device_name: String,
}

/// Why there is no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignUpError {
    /// The password breaks a rule. Nothing was sent.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// Somebody has this name.
    #[error("This username is taken: choose another")]
    UsernameTaken,
    /// Something came between: see [`SignUpAttempt::register`] for trying again.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

/// Makes an account and signs in. The recovery key is shown to its owner once, and kept nowhere.
///
/// Whoever wants to try again after [`Interruption::Unreachable`] without starting over uses [`SignUpAttempt`].
///
/// # Errors
/// [`SignUpError`].
pub async fn sign_up<D: Device>(
    device: Arc<D>,
    form: SignUp,
) -> Result<(Account<D>, RecoveryKey), SignUpError> {
    SignUpAttempt::prepare(device, form).await?.register().await
}

/// An account that is ready to be registered: its keys are drawn, its password is stretched.
///
/// Registering it twice is registering it once, so an answer that was lost costs nothing.
pub struct SignUpAttempt<D> {
    device: Arc<D>,
    request: Register,
    account_key: AccountKey,
    recovery_key: RecoveryKey,
}

impl<D: Device> SignUpAttempt<D> {
    /// Checks the password's rules, stretches it, and draws all keys. Nothing is sent.
    ///
    /// # Errors
    /// [`SignUpError::Password`].
    pub async fn prepare(device: Arc<D>, form: SignUp) -> Result<Self, SignUpError> {
        password::check(&form.password, Some(&form.username))?;
        let kdf = KdfParams::generate(&mut DeviceRng(&*device));
        let stretched = device.stretch(&kdf, &form.password).await;
        let recovery_key = RecoveryKey::generate(&mut DeviceRng(&*device));
        let account_key = AccountKey::generate(&mut DeviceRng(&*device));
        let request = request(&*device, form, kdf, &stretched, &account_key, &recovery_key);
        Ok(Self { device, request, account_key, recovery_key })
    }

    /// Registers the account; may be called again after an interruption: the relay answers the same registration alike.
    ///
    /// # Errors
    /// [`SignUpError`].
    pub async fn register(&self) -> Result<(Account<D>, RecoveryKey), SignUpError> {
        let mut answer = Err(CallError::Unreachable);
        for _ in 0..TRIES {
            answer = self.device.call(self.request.clone()).await;
            match answer {
                Err(CallError::Unreachable) => self.device.breathe().await,
                _ => break,
            }
        }
        let session = match answer {
            Ok(session) => session,
            Err(CallError::Refused(refusal)) if refusal.code == Code::UsernameTaken => {
                return Err(SignUpError::UsernameTaken);
            }
            Err(error) => return Err(Interruption::from(error).into()),
        };
        let account = Engine::open(self.device.clone(), session, self.account_key.clone()).await?;
        Ok((account, self.recovery_key.clone()))
    }
}

fn request(
    device: &impl Device,
    form: SignUp,
    kdf: KdfParams,
    stretched: &StretchedPassword,
    account_key: &AccountKey,
    recovery_key: &RecoveryKey,
) -> Register {
    let rng = &mut DeviceRng(device);
    let account = AccountId::random(rng);
    let NewKeys { identity, prekey, vault } = NewKeys::draw(device, account, account_key, PrekeyId(1), 1);
    Register {
        account,
        vault,
        username: form.username,
        email: form.email,
        invite: form.invite,
        kdf,
        auth_key: stretched.auth_key(),
        wrapped_by_password: account_key.wrap_with_password(account, &stretched.wrap_key(), &kdf, rng),
        wrapped_by_recovery_key: account_key.wrap_with_recovery_key(account, recovery_key, rng),
        identity,
        prekey,
        device_name: form.device_name,
    }
}

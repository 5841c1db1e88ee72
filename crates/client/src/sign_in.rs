//! Signing in with a password, and going on after a page was reloaded.

use std::sync::Arc;

use crypto::{
    account_key::AccountKey,
    kdf::{KdfParams, StretchedPassword},
};
use protocol::{
    Code, Username,
    account::{CurrentSession, Login, Prelogin, SignedIn},
    proof::Proof,
    second_factor::SecondFactorCode,
    session::Unlock,
};
use zeroize::Zeroizing;

use crate::{
    Account, CallError, Device, Interruption, StoreUnavailable, device::Change, engine::Engine,
    records::kdf_record,
};

/// What a person fills in.
#[derive(Clone)]
pub struct SignIn {
    /// The name.
    pub username: Username,
    /// The password, as it was typed.
    pub password: Zeroizing<String>,
    /// A code, once it was asked for.
    pub code: Option<SecondFactorCode>,
    /// What the session is called in the list of sessions.
    pub device_name: String,
}

/// Why nobody was signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The name or the password; which of them is not said.
    #[error("Wrong username or password")]
    WrongCredentials,
    /// The password is right, and a code is asked for besides: try again with one.
    #[error("Enter the code of your authenticator, or one of your recovery codes")]
    SecondFactorRequired,
    /// The code is wrong, or was used.
    #[error("This code is wrong or was used already: type the one that is shown now")]
    WrongCode,
    /// The server asks for a cheaper stretching of the password than it did before on this device: it wants the
    /// password to be easier to guess.
    #[error(
        "The server asks to protect your password less than before: do not sign in, ask who runs the server"
    )]
    WeakerProtection,
    /// The server took the password, but the account key that it returned does not open with it.
    #[error("The server returned an account key that your password does not open: ask who runs the server")]
    AccountKey,
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl SignInError {
    fn from_call(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => match refusal.code {
                Code::WrongCredentials => Self::WrongCredentials,
                Code::SecondFactorRequired => Self::SecondFactorRequired,
                Code::WrongCode => Self::WrongCode,
                _ => Interruption::from(CallError::Refused(refusal)).into(),
            },
            error => Interruption::from(error).into(),
        }
    }
}

/// Why an account could not go on after a reload; after [`Interruption::SessionEnded`] or with a key that does not fit
/// the password is asked for again.
pub type ResumeError = Interruption;

/// Proves the password, opens the account key, loads the vault.
///
/// # Errors
/// [`SignInError`].
pub async fn sign_in<D: Device>(device: Arc<D>, form: SignIn) -> Result<Account<D>, SignInError> {
    let SignIn { username, password, code, device_name } = form;
    let kdf = device.call(Prelogin { username: username.clone() }).await.map_err(Interruption::from)?.kdf;
    let stretched = stretch_as_before(&*device, &username, &kdf, &password).await?;
    drop(password);

    let login = Login { username: username.clone(), auth_key: stretched.auth_key(), code, device_name };
    let session = device.call(login).await.map_err(SignInError::from_call)?;
    open_with_password(device, session, &username, &kdf, &stretched).await
}

/// Opens an account again whose page was locked, within the session that goes on. When that has ended
/// ([`Interruption::SessionEnded`]), it takes [`sign_in`].
///
/// # Errors
/// [`SignInError`].
pub async fn unlock<D: Device>(
    device: Arc<D>,
    username: Username,
    password: Zeroizing<String>,
) -> Result<Account<D>, SignInError> {
    let current = device.call(CurrentSession {}).await.map_err(Interruption::from)?;
    if current.username != username {
        return Err(Interruption::SessionEnded.into());
    }
    let stretched = stretch_as_before(&*device, &username, &current.kdf, &password).await?;
    drop(password);
    let proof = Proof { auth_key: stretched.auth_key(), code: None };
    let session = device.call(Unlock { proof }).await.map_err(SignInError::from_call)?;
    open_with_password(device, session, &username, &current.kdf, &stretched).await
}

/// Stretches a password, unless the server wants it to be easier to guess than before.
pub(crate) async fn stretch_as_before(
    device: &impl Device,
    username: &Username,
    kdf: &KdfParams,
    password: &str,
) -> Result<StretchedPassword, SignInError> {
    if is_weaker_than_before(device, username, kdf).await.map_err(Interruption::from)? {
        return Err(SignInError::WeakerProtection);
    }
    Ok(device.stretch(kdf, password).await)
}

async fn open_with_password<D: Device>(
    device: Arc<D>,
    session: SignedIn,
    username: &Username,
    kdf: &KdfParams,
    stretched: &StretchedPassword,
) -> Result<Account<D>, SignInError> {
    let wrapped = session.wrapped_by_password.as_ref().ok_or(SignInError::AccountKey)?;
    let account_key = AccountKey::unwrap_with_password(session.account, &stretched.wrap_key(), kdf, wrapped)
        .map_err(|_| SignInError::AccountKey)?;
    if session.username != *username {
        return Err(SignInError::AccountKey);
    }
    remember_kdf(&*device, username, kdf).await.map_err(Interruption::from)?;
    Ok(Engine::open(device, session, account_key).await?)
}

/// Goes on with a session whose account key this device has unlocked: after a reload, without asking for the password.
///
/// # Errors
/// [`ResumeError`].
pub async fn resume<D: Device>(
    device: Arc<D>,
    session: SignedIn,
    account_key: AccountKey,
) -> Result<Account<D>, ResumeError> {
    Engine::open(device, session, account_key).await
}

/// The floor is compiled in; above it, a name's figure never goes down on a device that remembers it.
async fn is_weaker_than_before(
    device: &impl Device,
    username: &Username,
    kdf: &KdfParams,
) -> Result<bool, StoreUnavailable> {
    let remembered = device.read(&kdf_record(username)).await?;
    let iterations = remembered.and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    Ok(iterations.is_some_and(|before| kdf.iterations() < before))
}

pub(crate) async fn remember_kdf(
    device: &impl Device,
    username: &Username,
    kdf: &KdfParams,
) -> Result<(), StoreUnavailable> {
    let bytes = kdf.iterations().to_be_bytes().to_vec();
    device.write(vec![Change::Put { name: kdf_record(username), bytes }]).await
}

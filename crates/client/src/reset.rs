//! A new password by a token from a mail. Getting in again is one thing, keeping what was written another: that takes the
//! account key, from the recovery key or from a page that is still open.

use std::sync::Arc;

use crypto::{
    account_key::AccountKey,
    id::{AccountId, PrekeyId},
    identity::{IdentityKey, IdentitySeed},
    kdf::{KdfParams, StretchedPassword},
    one_time::ResetToken,
    recovery::RecoveryKey,
    reset_proof::NewPassword,
    vault::{VaultKind, VaultPlace},
};
use protocol::{
    Code, EmailAddress, Username,
    password::{self, PasswordRefused},
    reset::{CheckReset, ForgotPassword, NewKeys as SentKeys, RedeemReset, ResetChecked, ResetKeys},
    second_factor::SecondFactorCode,
};

use crate::{
    CallError, Device, Interruption, RecoveryKeyRefused, VaultRefused, device::DeviceRng, new_keys::NewKeys,
    sign_in::remember_kdf,
};

/// Asks for a mail with a token to everyone who has an account with this address. Whether anybody has is not said.
///
/// # Errors
/// [`Interruption`]; [`Interruption::Refused`] with [`Code::MailUnavailable`] when the server cannot send mail.
pub async fn forgot_password(device: &impl Device, email: EmailAddress) -> Result<(), Interruption> {
    match device.call(ForgotPassword { email }).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A token that was checked: whose password it resets.
pub struct Reset<D> {
    device: Arc<D>,
    token: ResetToken,
    checked: ResetChecked,
}

/// What becomes of the keys.
pub enum KeysAfterReset {
    /// They stay, and with them everything that was written.
    Keep(AccountKey),
    /// They are lost: the account begins anew, contacts see another key, and what was written stays sealed until the old
    /// password or the recovery key opens it.
    Lose,
}

/// A password that was reset. Signing in comes next.
pub struct Redeemed {
    /// Whose.
    pub username: Username,
    /// The account.
    pub account: AccountId,
    /// When the keys were lost: the new account key, and the new recovery key for its owner to keep.
    pub fresh: Option<(AccountKey, RecoveryKey)>,
}

/// Why a password was not reset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetError {
    /// The token is wrong, used up, replaced by a newer one, or older than an hour: the text says which.
    #[error("{0}")]
    Token(String),
    /// The second factor is on, and no code was given.
    #[error("Enter the code of your authenticator, or one of your recovery codes")]
    SecondFactorRequired,
    /// The code is wrong, or was used.
    #[error("This code is wrong or was used already: type the one that is shown now")]
    WrongCode,
    /// The new password breaks a rule. Nothing was sent.
    #[error(transparent)]
    Password(#[from] PasswordRefused),
    /// What the server returned as the account's keys does not open with the account key.
    #[error(transparent)]
    Vault(#[from] VaultRefused),
    /// Something came between.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl From<CallError> for ResetError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => match refusal.code {
                Code::InvalidToken | Code::TokenExpired => Self::Token(refusal.message.into_owned()),
                Code::SecondFactorRequired => Self::SecondFactorRequired,
                Code::WrongCode => Self::WrongCode,
                _ => Interruption::from(CallError::Refused(refusal)).into(),
            },
            error => Interruption::from(error).into(),
        }
    }
}

impl<D: Device> Reset<D> {
    /// Asks whose password a token resets. The token stays good.
    ///
    /// # Errors
    /// [`ResetError::Token`], [`ResetError::Interrupted`].
    pub async fn check(device: Arc<D>, token: ResetToken) -> Result<Self, ResetError> {
        let checked = device.call(CheckReset { token: token.clone() }).await?;
        Ok(Self { device, token, checked })
    }

    /// Whose password it is.
    pub fn username(&self) -> &Username {
        &self.checked.username
    }

    /// Of which account.
    pub fn account(&self) -> AccountId {
        self.checked.account
    }

    /// Whether a code is asked for.
    pub fn second_factor(&self) -> bool {
        self.checked.second_factor
    }

    /// The account key, from the recovery key as it was typed. Nothing is sent.
    ///
    /// # Errors
    /// [`RecoveryKeyRefused`], which says where to look.
    pub fn open_with_recovery_key(&self, typed: &str) -> Result<AccountKey, RecoveryKeyRefused> {
        let key = RecoveryKey::parse(typed)?;
        let ResetChecked { account, wrapped_by_recovery_key, .. } = &self.checked;
        let opened = AccountKey::unwrap_with_recovery_key(*account, &key, wrapped_by_recovery_key);
        let account_key = opened.map_err(|_| RecoveryKeyRefused::OfAnother)?;
        self.identity(&account_key).map_err(|_| RecoveryKeyRefused::OfAnother)?;
        Ok(account_key)
    }

    /// Sets the new password. The token is used up, and every session of the account ends.
    ///
    /// # Errors
    /// [`ResetError`].
    pub async fn redeem(
        &self,
        new_password: &str,
        code: Option<SecondFactorCode>,
        keys: KeysAfterReset,
    ) -> Result<Redeemed, ResetError> {
        let device = &*self.device;
        let ResetChecked { account, username, .. } = &self.checked;
        password::check(new_password, Some(username))?;
        let kdf = KdfParams::generate(&mut DeviceRng(device));
        let stretched = device.stretch(&kdf, new_password).await;
        let (request, fresh) = match keys {
            KeysAfterReset::Keep(account_key) => (self.keeping(&account_key, kdf, &stretched, code)?, None),
            KeysAfterReset::Lose => {
                let account_key = AccountKey::generate(&mut DeviceRng(device));
                let recovery_key = RecoveryKey::generate(&mut DeviceRng(device));
                let request = self.losing(&account_key, &recovery_key, kdf, &stretched, code);
                (request, Some((account_key, recovery_key)))
            }
        };
        device.call(request).await?;
        remember_kdf(device, username, &kdf).await.map_err(Interruption::from)?;
        Ok(Redeemed { username: username.clone(), account: *account, fresh })
    }

    fn keeping(
        &self,
        account_key: &AccountKey,
        kdf: KdfParams,
        stretched: &StretchedPassword,
        code: Option<SecondFactorCode>,
    ) -> Result<RedeemReset, ResetError> {
        let identity = self.identity(account_key)?;
        let request = self
            .request(account_key, kdf, stretched, code, |new| ResetKeys::Keep { proof: new.sign(&identity) });
        Ok(request)
    }

    fn losing(
        &self,
        account_key: &AccountKey,
        recovery_key: &RecoveryKey,
        kdf: KdfParams,
        stretched: &StretchedPassword,
        code: Option<SecondFactorCode>,
    ) -> RedeemReset {
        let device = &*self.device;
        let ResetChecked { account, prekey, .. } = &self.checked;
        let id = PrekeyId(prekey.id().0.saturating_add(1));
        let keys = NewKeys::draw(device, *account, account_key, id, prekey.sequence().saturating_add(1));
        let wrapped_by_recovery_key =
            account_key.wrap_with_recovery_key(*account, recovery_key, &mut DeviceRng(device));
        let NewKeys { identity, prekey, vault } = keys;
        let sent = SentKeys { wrapped_by_recovery_key, identity, prekey, vault };
        self.request(account_key, kdf, stretched, code, |_| ResetKeys::Replace(Box::new(sent)))
    }

    fn request(
        &self,
        account_key: &AccountKey,
        kdf: KdfParams,
        stretched: &StretchedPassword,
        code: Option<SecondFactorCode>,
        keys: impl FnOnce(NewPassword<'_>) -> ResetKeys,
    ) -> RedeemReset {
        let account = self.checked.account;
        let auth_key = stretched.auth_key();
        let wrapped_by_password = account_key.wrap_with_password(
            account,
            &stretched.wrap_key(),
            &kdf,
            &mut DeviceRng(&*self.device),
        );
        let keys = keys(NewPassword {
            account,
            token: self.token.hash(),
            kdf: &kdf,
            auth_key: &auth_key,
            wrapped_by_password: &wrapped_by_password,
        });
        RedeemReset { token: self.token.clone(), code, kdf, auth_key, wrapped_by_password, keys }
    }

    /// The account's identity key, which only its account key opens.
    fn identity(&self, account_key: &AccountKey) -> Result<IdentityKey, VaultRefused> {
        let ResetChecked { account, identity_row: row, .. } = &self.checked;
        let place =
            VaultPlace { account: *account, kind: VaultKind::Identity, key_id: &[], version: row.version };
        let opened = account_key.vault_key().open(place, row.sealed.as_slice());
        let seed = opened.map_err(|_| VaultRefused::DoesNotOpen)?;
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| VaultRefused::DoesNotOpen)?;
        Ok(IdentityKey::from_seed(&IdentitySeed::from_bytes(seed)))
    }
}

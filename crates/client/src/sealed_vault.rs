//! Vaults that resets put away: opened with the password or the recovery key of their time, and taken over, so that what
//! was written then is read again.

use crypto::{
    account_key::AccountKey,
    identity::{IdentityKey, IdentitySeed},
    recovery::RecoveryKey,
    reset_proof::ResetProof,
    vault::{VaultKey, VaultKind, VaultPlace},
};
use protocol::{
    Code,
    profile::SealedVault,
    vault::{DropSealedVault, FetchSealedVault, Row, SealedVaultRows},
};
use zeroize::Zeroizing;

use crate::{
    Account, CallError, Device, Interruption, RecoveryKeyRefused, StoreUnavailable, SyncError,
    engine::Engine, pins::Pin,
};

/// What opens a vault that was put away.
pub enum SealedVaultOpener {
    /// The password before the reset, as it was typed.
    Password(Zeroizing<String>),
    /// The recovery key before the reset, as it was typed.
    RecoveryKey(Zeroizing<String>),
}

/// Why a vault was not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealedVaultError {
    /// The password is not the one of that time.
    #[error("This was not your password before the reset")]
    WrongPassword,
    /// The recovery key is mistyped, or not the one of that time.
    #[error(transparent)]
    RecoveryKey(#[from] RecoveryKeyRefused),
    /// The account key opens, and the rows do not.
    #[error(
        "The server returned keys that none of your devices wrote: nothing was changed, ask who runs the server"
    )]
    Damaged,
    /// Something came between; the vault is still there, and opening it again goes on.
    #[error(transparent)]
    Interrupted(#[from] Interruption),
}

impl From<StoreUnavailable> for SealedVaultError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Interrupted(error.into())
    }
}

/// One row of a vault that was put away, opened.
struct OldRow {
    kind: VaultKind,
    key_id: Vec<u8>,
    content: Zeroizing<Vec<u8>>,
}

impl<D: Device> Account<D> {
    /// Opens a vault that was put away, takes its keys over into the vault of today, and opens the messages that waited
    /// for them. How many there were.
    ///
    /// # Errors
    /// [`SealedVaultError`].
    pub async fn open_sealed_vault(
        &self,
        vault: &SealedVault,
        opener: &SealedVaultOpener,
    ) -> Result<usize, SealedVaultError> {
        let engine = &self.0;
        engine.check_whose_session().await?;
        match engine.sync().await {
            // What can be fetched is there, and is counted.
            Ok(_) | Err(SyncError::Gap) => {}
            Err(SyncError::Interrupted(interruption)) => return Err(interruption.into()),
        }
        // An upkeep may open them as soon as the keys are there.
        let waited = self.locked_messages();
        let (key, rows) = engine.fetch_sealed_vault(vault, opener).await?;
        let rows = engine.open_old_rows(&key, &rows)?;
        let identity = whole(&rows)?;
        engine.take_over(&rows).await?;
        engine.open_held().await?;
        let opened = waited.saturating_sub(self.locked_messages());
        engine.changed();
        let number = vault.number;
        let proof = ResetProof::of_opened_vault(engine.me.account, number, &identity);
        match engine.device.call(DropSealedVault { number, proof }).await {
            // Another device was faster.
            Err(CallError::Refused(refusal)) if refusal.code == Code::NotFound => {}
            dropped => {
                dropped.map_err(Interruption::from)?;
            }
        }
        Ok(opened)
    }
}

/// The identity key of a vault that has all that reading what was written then takes; one that the server shows only in part
/// must not be dropped.
fn whole(rows: &[OldRow]) -> Result<IdentityKey, SealedVaultError> {
    let identity = rows.iter().find(|row| row.kind == VaultKind::Identity);
    let has_prekey = rows.iter().any(|row| row.kind == VaultKind::Prekey);
    let seed = identity.filter(|_| has_prekey).ok_or(SealedVaultError::Damaged)?;
    let seed: &[u8; 32] = seed.content.as_slice().try_into().map_err(|_| SealedVaultError::Damaged)?;
    Ok(IdentityKey::from_seed(&IdentitySeed::from_bytes(seed)))
}

impl<D: Device> Engine<D> {
    /// Its account key and its sealed rows.
    async fn fetch_sealed_vault(
        &self,
        vault: &SealedVault,
        opener: &SealedVaultOpener,
    ) -> Result<(AccountKey, Vec<Row>), SealedVaultError> {
        let (account, number) = (self.me.account, vault.number);
        match opener {
            SealedVaultOpener::Password(password) => {
                let stretched = self.device.stretch(&vault.kdf, password).await;
                let auth_key = Some(stretched.auth_key());
                let fetched = self.device.call(FetchSealedVault { number, auth_key }).await;
                let fetched = fetched.map_err(|error| match error {
                    CallError::Refused(refusal) if refusal.code == Code::WrongCredentials => {
                        SealedVaultError::WrongPassword
                    }
                    error => Interruption::from(error).into(),
                })?;
                let wrapped = fetched.wrapped_by_password.ok_or(SealedVaultError::Damaged)?;
                let key =
                    AccountKey::unwrap_with_password(account, &stretched.wrap_key(), &vault.kdf, &wrapped);
                Ok((key.map_err(|_| SealedVaultError::Damaged)?, fetched.rows))
            }
            SealedVaultOpener::RecoveryKey(typed) => {
                let recovery_key = RecoveryKey::parse(typed).map_err(RecoveryKeyRefused::from)?;
                let fetched = self.device.call(FetchSealedVault { number, auth_key: None }).await;
                let SealedVaultRows { wrapped_by_recovery_key: wrapped, rows, .. } =
                    fetched.map_err(Interruption::from)?;
                let key = AccountKey::unwrap_with_recovery_key(account, &recovery_key, &wrapped);
                Ok((key.map_err(|_| RecoveryKeyRefused::OfAnother)?, rows))
            }
        }
    }

    /// All rows or none: a vault that does not open as a whole is not what the account's devices put there.
    fn open_old_rows(&self, key: &AccountKey, rows: &[Row]) -> Result<Vec<OldRow>, SealedVaultError> {
        let key: VaultKey = key.vault_key();
        let open = |row: &Row| {
            let Row { kind, key_id, version, sealed } = row;
            let place = VaultPlace {
                account: self.me.account,
                kind: *kind,
                key_id: key_id.as_slice(),
                version: *version,
            };
            let content = key.open(place, sealed.as_slice()).map_err(|_| SealedVaultError::Damaged)?;
            Ok(OldRow { kind: *kind, key_id: key_id.0.clone(), content })
        };
        rows.iter().map(open).collect()
    }

    /// Puts into today's vault what reading what was written then takes: the old identity's public key, the private halves
    /// of the old prekeys, the pins. Each by itself, so that an interruption costs nothing.
    async fn take_over(&self, rows: &[OldRow]) -> Result<(), SealedVaultError> {
        for OldRow { kind, key_id, content } in rows {
            match kind {
                VaultKind::Identity => {
                    let identity = whole(rows)?.public();
                    let place = identity.fingerprint().to_bytes();
                    self.add_row(VaultKind::PastIdentity, &place, &identity.to_bytes()).await?;
                }
                VaultKind::Prekey
                | VaultKind::PastIdentity
                | VaultKind::OneTimePrekeys
                | VaultKind::ArchiveKey => {
                    self.add_row(*kind, key_id, content).await?;
                }
                VaultKind::Pin => {
                    let contact = crypto::id::AccountId::parse(key_id);
                    let (Ok(contact), Some(old)) = (contact, Pin::parse(content)) else {
                        return Err(SealedVaultError::Damaged);
                    };
                    let end = self.state().end();
                    let merge = |standing: Option<&Pin>| Pin::merged(standing, &old, end);
                    self.vault.edit_pin(&*self.device, &self.records, contact, merge).await?;
                }
            }
        }
        Ok(())
    }

    async fn add_row(&self, kind: VaultKind, key_id: &[u8], content: &[u8]) -> Result<(), SealedVaultError> {
        if !self.vault.makes_sense(kind, key_id, content) {
            return Err(SealedVaultError::Damaged);
        }
        // What stands at this place stays: a reset goes on counting where the published prekey stood, so an old one of the
        // same number was never published, and nothing was sealed to it.
        Ok(self.vault.add_if_missing(&*self.device, &self.records, kind, key_id, content).await?)
    }
}

//! The account key: 32 random bytes under which everything else of an account is sealed, and its two wraps.

use core::fmt;

use rand_core::CryptoRng;

use crate::{
    CannotOpen, aead,
    hash::derive,
    id::{AccountId, MessageId},
    kdf::{KdfParams, WrapKey},
    recovery::RecoveryKey,
    secret::{Secret, secret_type},
    text::{Malformed, as_base64url},
    vault::{CacheKey, VaultKey},
};

secret_type!(
    /// The account master key (AMK): opens the vault. Wrapped by the password and by the recovery key.
    AccountKey,
    32
);

const VERSION: u8 = 1;
const WRAPPED_BYTES: usize = 2 + aead::NONCE_BYTES + 32 + aead::TAG_BYTES;

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum WrappedBy {
    Password = 1,
    RecoveryKey = 2,
}

/// An account key sealed under a password or a recovery key.
/// As bytes: `version (1) || wrapped by (1) || nonce (12) || ciphertext (32) || tag (16)`.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedAccountKey([u8; WRAPPED_BYTES]);

impl WrappedAccountKey {
    /// The bytes, as they travel.
    pub fn to_bytes(&self) -> [u8; WRAPPED_BYTES] {
        self.0
    }

    /// Reads the bytes.
    ///
    /// # Errors
    /// Another length or an unknown version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let bytes: [u8; WRAPPED_BYTES] = bytes.try_into().map_err(|_| Malformed("has the wrong length"))?;
        if bytes[0] != VERSION || !(1..=2).contains(&bytes[1]) {
            return Err(Malformed("has a version that is not known"));
        }
        Ok(Self(bytes))
    }
}

/// Prints no bytes: whoever has them can try passwords on them.
impl fmt::Debug for WrappedAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedAccountKey(..)")
    }
}

as_base64url!(WrappedAccountKey);

impl AccountKey {
    /// A new key, for a new account.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(Secret::random(rng))
    }

    /// Seals the key under the password's wrap key. Account and KDF parameters are bound: a server cannot swap either.
    pub fn wrap_with_password(
        &self,
        account: AccountId,
        key: &WrapKey,
        kdf: &KdfParams,
        rng: &mut impl CryptoRng,
    ) -> WrappedAccountKey {
        self.wrap(WrappedBy::Password, account, key.expose_bytes(), &kdf.to_bytes(), rng)
    }

    /// Opens what [`Self::wrap_with_password`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another password, account or parameters, or changed bytes.
    pub fn unwrap_with_password(
        account: AccountId,
        key: &WrapKey,
        kdf: &KdfParams,
        wrapped: &WrappedAccountKey,
    ) -> Result<Self, CannotOpen> {
        Self::unwrap(WrappedBy::Password, account, key.expose_bytes(), &kdf.to_bytes(), wrapped)
    }

    /// Seals the key under the recovery key.
    pub fn wrap_with_recovery_key(
        &self,
        account: AccountId,
        key: &RecoveryKey,
        rng: &mut impl CryptoRng,
    ) -> WrappedAccountKey {
        self.wrap(WrappedBy::RecoveryKey, account, key.wrap_key().expose(), &[], rng)
    }

    /// Opens what [`Self::wrap_with_recovery_key`] made.
    ///
    /// # Errors
    /// [`CannotOpen`]: another recovery key or account, or changed bytes.
    pub fn unwrap_with_recovery_key(
        account: AccountId,
        key: &RecoveryKey,
        wrapped: &WrappedAccountKey,
    ) -> Result<Self, CannotOpen> {
        Self::unwrap(WrappedBy::RecoveryKey, account, key.wrap_key().expose(), &[], wrapped)
    }

    /// The key of the account's vault rows.
    pub fn vault_key(&self) -> VaultKey {
        VaultKey(derive(self.0.expose(), b"", b"secure-messaging/1 vault"))
    }

    /// The key of what one device keeps for itself: its outbox and its copies of opened messages.
    pub fn cache_key(&self) -> CacheKey {
        CacheKey(derive(self.0.expose(), b"", b"secure-messaging/1 cache"))
    }

    /// The id of the message that a program calls by `name` (an `Idempotency-Key`): on every device of the account the same,
    /// so that the relay takes it once, and to everyone else as random as any other.
    pub fn message_id(&self, name: &[u8]) -> MessageId {
        let info = [b"secure-messaging/1 message id".as_slice(), name].concat();
        MessageId::from_bytes(*derive::<16>(self.0.expose(), b"", &info).expose())
    }

    fn wrap(
        &self,
        by: WrappedBy,
        account: AccountId,
        key: &[u8; 32],
        bound: &[u8],
        rng: &mut impl CryptoRng,
    ) -> WrappedAccountKey {
        let sealed = aead::seal(key, &aad(by, account, bound), self.0.expose(), rng);
        let mut bytes = [0; WRAPPED_BYTES];
        bytes[0] = VERSION;
        bytes[1] = by as u8;
        bytes[2..].copy_from_slice(&sealed);
        WrappedAccountKey(bytes)
    }

    fn unwrap(
        by: WrappedBy,
        account: AccountId,
        key: &[u8; 32],
        bound: &[u8],
        wrapped: &WrappedAccountKey,
    ) -> Result<Self, CannotOpen> {
        if wrapped.0[1] != by as u8 {
            return Err(CannotOpen);
        }
        let opened = aead::open(key, &aad(by, account, bound), &wrapped.0[2..])?;
        opened.as_slice().try_into().map(Self::from_bytes).map_err(|_| CannotOpen)
    }
}

fn aad(by: WrappedBy, account: AccountId, bound: &[u8]) -> Vec<u8> {
    [b"secure-messaging/1 account key".as_slice(), &[VERSION, by as u8], &account.to_bytes(), bound].concat()
}

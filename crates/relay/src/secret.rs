//! The server's secret and what is made from it.

use aes_gcm::{Aes256Gcm, KeyInit, aead::AeadInOut};
use crypto::{
    account_key::WrappedAccountKey,
    id::AccountId,
    kdf::{AuthKey, KdfParams, SALT_BYTES},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use protocol::Username;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

/// 32 random bytes that a server keeps in a file beside its database, and never in it. Whoever loses it signs everybody
/// out, and nobody can log in with a password any more.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ServerSecret([u8; 32]);

impl ServerSecret {
    /// Takes the bytes; the caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }

    fn derive(&self, info: &[u8]) -> [u8; 32] {
        derive(&self.0, b"", info)
    }
}

impl core::fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ServerSecret(..)")
    }
}

/// One key for each purpose.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct DerivedSecrets {
    pub(crate) token_key: [u8; 32],
    pub(crate) subject_key: [u8; 32],
    pepper: [u8; 32],
    salt_key: [u8; 32],
    totp_key: [u8; 32],
}

impl DerivedSecrets {
    pub(crate) fn of(secret: &ServerSecret) -> Self {
        Self {
            token_key: secret.derive(b"secure-messaging/1 session token"),
            subject_key: secret.derive(b"secure-messaging/1 subjects of counters"),
            totp_key: secret.derive(b"secure-messaging/1 authenticator secrets"),
            pepper: secret.derive(b"secure-messaging/1 pepper"),
            salt_key: secret.derive(b"secure-messaging/1 salt of unknown names"),
        }
    }

    /// The parameters that an unknown name gets: always the same, and like those of a known one.
    pub(crate) fn kdf_of_unknown(&self, username: &Username) -> KdfParams {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.salt_key).expect("HMAC takes keys of any length");
        mac.update(username.as_str().as_bytes());
        let hash: [u8; 32] = mac.finalize().into_bytes().into();
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&hash[..SALT_BYTES]);
        KdfParams::with_salt(salt)
    }

    /// Seals the password's wrap once more, under the auth key (which nobody stores) and the pepper (which is not in the
    /// database): a stolen database alone offers nothing to try passwords against but bcrypt.
    pub(crate) fn seal_wrap(
        &self,
        account: AccountId,
        auth_key: &AuthKey,
        wrapped: &WrappedAccountKey,
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        seal(&self.wrap_key(auth_key), account, &wrapped.to_bytes(), rng)
    }

    /// Opens what [`Self::seal_wrap`] made; `None` when the pepper is another one, or the row was changed.
    pub(crate) fn open_wrap(
        &self,
        account: AccountId,
        auth_key: &AuthKey,
        sealed: &[u8],
    ) -> Option<WrappedAccountKey> {
        let wrapped = open(&self.wrap_key(auth_key), account, sealed)?;
        WrappedAccountKey::parse(&wrapped).ok()
    }

    /// Seals the secret of an account's authenticator: a stolen database alone makes no codes.
    pub(crate) fn seal_totp(&self, account: AccountId, secret: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        seal(&self.totp_key, account, secret, rng)
    }

    /// Opens what [`Self::seal_totp`] made; `None` when the server's secret is another one, or the row was changed.
    pub(crate) fn open_totp(&self, account: AccountId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.totp_key, account, sealed)
    }

    fn wrap_key(&self, auth_key: &AuthKey) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(derive(auth_key.expose_bytes(), &self.pepper, b"secure-messaging/1 stored wrap"))
    }
}

/// `nonce (12) || ciphertext || tag (16)`, bound to the account.
fn seal(key: &[u8; 32], account: AccountId, text: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    rng.fill_bytes(&mut nonce);
    let mut sealed = [nonce.as_slice(), text].concat();
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached((&nonce).into(), &account.to_bytes(), (&mut sealed[NONCE_BYTES..]).into())
        .expect("a key is far below AES-GCM's 64 GiB");
    sealed.extend_from_slice(&tag);
    sealed
}

fn open(key: &[u8; 32], account: AccountId, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_BYTES>()?;
    let mut text = Zeroizing::new(ciphertext.to_vec());
    Aes256Gcm::new(key.into())
        .decrypt_inout_detached(nonce.into(), &account.to_bytes(), text.as_mut_slice().into(), tag.into())
        .ok()?;
    Some(text)
}

fn derive(ikm: &[u8], salt: &[u8], info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, &mut out)
        .expect("an output of at most 255 hashes is always granted (RFC 5869 section 2.3)");
    out
}

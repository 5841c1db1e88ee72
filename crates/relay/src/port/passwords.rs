use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use crypto::kdf::AuthKey;
use zeroize::Zeroizing;

/// Hashes and checks auth keys. Each takes a quarter of a second of one core: a server does it beside its runtime, and
/// only a few at once.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// A new hash, salted anew.
    async fn hash(&self, key: AuthKey) -> Result<PasswordHash, Busy>;

    /// Whether `hash` is of `key`.
    async fn verify(&self, key: AuthKey, hash: PasswordHash) -> Result<bool, Busy>;
}

/// Too many are being hashed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked at the moment")]
pub struct Busy;

/// A bcrypt hash in its usual text form (`$2b$12$…`). It is no secret like a key, but not for logs either.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes back what [`Self::as_str`] gave.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The text, for the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash of nothing that anybody knows: checking against it takes as long as against any other of its cost.
    pub(crate) fn of_nobody(cost: BcryptCost) -> Self {
        Self(format!("$2b${:02}$CvQ7nJcYw0VtEo1mP5sKXeHk2bLzUa9qRd4gTfS3iWxM6yBhNpIuO", cost.0))
    }
}

impl core::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// bcrypt's cost: the logarithm of its rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BcryptCost(u32);

/// The cost is outside of what is safe or bearable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bcrypt's cost is 10 to 16: 10 takes about 60 ms, and each step doubles it")]
pub struct BcryptCostRefused;

impl BcryptCost {
    /// The least that bcrypt can do: unsafe for people's passwords, and quick enough for tests.
    pub const UNSAFE_FOR_TESTS: Self = Self(4);

    /// A cost between 10 and 16.
    ///
    /// # Errors
    /// Another one.
    pub fn new(cost: u32) -> Result<Self, BcryptCostRefused> {
        if (10..=16).contains(&cost) { Ok(Self(cost)) } else { Err(BcryptCostRefused) }
    }
}

/// 12: about a quarter of a second.
impl Default for BcryptCost {
    fn default() -> Self {
        Self(12)
    }
}

/// bcrypt over the base64 text of the auth key (43 bytes: nothing is cut off, and there is no zero byte).
///
/// As a [`Passwords`] it computes in place, on the thread of its caller: for tests and simulations. A server calls
/// [`Bcrypt::hash_here`] and [`Bcrypt::verify_here`] on threads of their own.
#[derive(Clone, Copy, Debug)]
pub struct Bcrypt(pub BcryptCost);

impl Bcrypt {
    /// Computes a hash, on this thread.
    ///
    /// # Panics
    /// When the operating system has no randomness for the salt.
    pub fn hash_here(self, key: &AuthKey) -> PasswordHash {
        let hash = bcrypt::non_truncating_hash(bcrypt_text(key).as_str(), self.0.0)
            .expect("43 bytes and a checked cost are what bcrypt takes, and the system has randomness");
        PasswordHash(hash)
    }

    /// Checks a hash, on this thread. A text that is no hash is nobody's.
    pub fn verify_here(self, key: &AuthKey, hash: &PasswordHash) -> bool {
        bcrypt::non_truncating_verify(bcrypt_text(key).as_str(), &hash.0).unwrap_or(false)
    }
}

fn bcrypt_text(key: &AuthKey) -> Zeroizing<String> {
    Zeroizing::new(STANDARD_NO_PAD.encode(key.expose_bytes()))
}

#[async_trait]
impl Passwords for Bcrypt {
    async fn hash(&self, key: AuthKey) -> Result<PasswordHash, Busy> {
        Ok(self.hash_here(&key))
    }

    async fn verify(&self, key: AuthKey, hash: PasswordHash) -> Result<bool, Busy> {
        Ok(self.verify_here(&key, &hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_holds_for_its_key_only() {
        let bcrypt = Bcrypt(BcryptCost::UNSAFE_FOR_TESTS);
        let [right, wrong] = [1, 2].map(|byte| AuthKey::from_bytes(&[byte; 32]));
        let hash = bcrypt.hash_here(&right);
        assert!(bcrypt.verify_here(&right, &hash));
        assert!(!bcrypt.verify_here(&wrong, &hash));
        assert!(!bcrypt.verify_here(&right, &PasswordHash::from_stored("no hash".into())));
        assert_ne!(hash, bcrypt.hash_here(&right));
    }

    #[test]
    fn the_hash_of_nobody_is_one_that_bcrypt_really_computes() {
        let nobody = PasswordHash::of_nobody(BcryptCost::UNSAFE_FOR_TESTS);
        assert_eq!(bcrypt::non_truncating_verify("anything", nobody.as_str()).ok(), Some(false));
    }

    #[test]
    fn a_cost_below_ten_is_refused() {
        assert_eq!(BcryptCost::new(9), Err(BcryptCostRefused));
        assert_eq!(BcryptCost::new(17), Err(BcryptCostRefused));
        assert_eq!(BcryptCost::new(12), Ok(BcryptCost::default()));
    }
}

use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, SessionId},
    identity::IdentityPublic,
    kdf::KdfParams,
    prekey::SignedPrekey,
};
use protocol::{EmailAddress, Username, profile::SealedVault, vault::NewRow};

use super::{InviteUse, NewSession, StoreError};
use crate::port::PasswordHash;

/// Accounts and how their passwords are checked.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes an account with its keys, its vault, its empty mailbox and its first session, and uses an invitation up
    /// where one is given: all or nothing. The name of an account that was deleted is taken.
    async fn register(
        &self,
        account: NewAccount,
        session: NewSession,
        invite: Option<InviteUse>,
    ) -> Result<Registered, StoreError>;

    /// How the password of this name is stretched and checked.
    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError>;

    /// The same, of an account.
    async fn credentials_of(&self, account: AccountId) -> Result<Option<Credentials>, StoreError>;

    /// What the account's settings show.
    async fn find_profile(&self, account: AccountId) -> Result<Option<StoredProfile>, StoreError>;

    /// Sets a new password, ends the account's other sessions, and makes its reset token and its wish for another address
    /// worthless. The sessions that were ended; `None`: what was proven does not hold any more, nothing was written.
    async fn change_password(
        &self,
        proven: Proven,
        wraps: NewWraps,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Puts another wrap by a recovery key in the place of the one that stands. `false`: what was proven does not hold any
    /// more, nothing was written.
    async fn change_recovery_wrap(
        &self,
        proven: Proven,
        wrapped_by_recovery_key: WrappedAccountKey,
        at_ms: u64,
    ) -> Result<bool, StoreError>;

    /// Notes whether a mail tells of each new sign-in.
    async fn set_login_mails(&self, account: AccountId, login_mails: bool) -> Result<(), StoreError>;

    /// Deletes the account with all that is its own: keys, vaults, mailbox, sessions, tokens. What others hold of its
    /// messages stays theirs; an envelope that is in nobody's mailbox any more loses its content. A note that this
    /// account was deleted stays, with its name. The sessions that were ended; `None`: what was proven does not hold any
    /// more, nothing was written.
    async fn delete_account(&self, proven: Proven, at_ms: u64) -> Result<Option<Vec<SessionId>>, StoreError>;
}

/// A new account.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its id.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// Where a password reset may be mailed to.
    pub email: Option<EmailAddress>,
    /// How its password is stretched.
    pub kdf: KdfParams,
    /// How its auth key is checked.
    pub password_hash: PasswordHash,
    /// The account key, sealed by the password and once more by the relay.
    pub sealed_wrap: Vec<u8>,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// Its identity key.
    pub identity: IdentityPublic,
    /// Its prekey.
    pub prekey: SignedPrekey,
    /// Its first vault rows.
    pub vault: Vec<NewRow>,
    /// When it was made.
    pub created_at_ms: u64,
}

/// How a registration came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The account stands.
    Done,
    /// The name is somebody's; nothing was written.
    UsernameTaken,
    /// The account id is in use, or was; nothing was written.
    AccountTaken,
    /// The invitation is unknown, used up or over; nothing was written.
    InviteRefused,
}

/// What a login needs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// How its password is stretched.
    pub kdf: KdfParams,
    /// How its auth key is checked.
    pub password_hash: PasswordHash,
    /// The account key, sealed by the password and once more by the relay.
    pub sealed_wrap: Vec<u8>,
    /// The second factor, where it is on.
    pub totp: Option<StoredTotp>,
    /// Where its mails go.
    pub email: Option<EmailAddress>,
    /// Whether a mail tells of each new sign-in.
    pub login_mails: bool,
}

/// A second factor that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTotp {
    /// The authenticator's secret, sealed by the relay.
    pub sealed_secret: Vec<u8>,
    /// The last step whose code was used.
    pub last_step: u64,
}

/// What the account's settings show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredProfile {
    /// Its name.
    pub username: Username,
    /// When it was made.
    pub created_at_ms: u64,
    /// Where its mails go.
    pub email: Option<EmailAddress>,
    /// An address that waits to be confirmed.
    pub pending_email: Option<EmailAddress>,
    /// Whether a mail tells of each new sign-in.
    pub login_mails: bool,
    /// Since when the second factor is on.
    pub totp_since_ms: Option<u64>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: u32,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// When the recovery key was made.
    pub recovery_key_made_at_ms: u64,
    /// Vaults that resets put away, in the order of their numbers.
    pub sealed_vaults: Vec<SealedVault>,
}

/// What was proven before a change. Checking a password takes time, in which somebody else may have changed it: a change
/// is made only where all of this still holds at the moment of the change.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Whose password.
    pub account: AccountId,
    /// The session that asked; it must not have ended.
    pub session: SessionId,
    /// The hash that the password was checked against.
    pub password_hash: PasswordHash,
}

/// How a password is stretched and checked, and what it seals.
#[derive(Clone, Debug)]
pub struct NewWraps {
    /// How it is stretched.
    pub kdf: KdfParams,
    /// How its auth key is checked.
    pub password_hash: PasswordHash,
    /// The account key, sealed by the password and once more by the relay.
    pub sealed_wrap: Vec<u8>,
}

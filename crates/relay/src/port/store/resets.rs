use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, SessionId, TokenHash},
    identity::IdentityPublic,
    prekey::SignedPrekey,
};
use protocol::{
    EmailAddress, Username,
    directory::User,
    vault::{NewRow, Row},
};

use super::{NewWraps, Proven, StoreError, StoredTotp};

/// Passwords that are reset by a token. An account has one token at a time: the newest.
#[async_trait]
pub trait Resets: Send + Sync {
    /// The accounts whose confirmed or first address is this one, by its [folded](EmailAddress::folded) text; by name.
    async fn accounts_of_email(&self, folded: &str) -> Result<Vec<User>, StoreError>;

    /// Makes a token good, in the place of an earlier one. `false`: there is no such account.
    async fn arm_reset(&self, account: AccountId, token: TokenHash, at_ms: u64) -> Result<bool, StoreError>;

    /// What a token that stands is for; whether it is too old is for the relay to say.
    async fn find_reset(&self, token: TokenHash) -> Result<Option<StandingReset>, StoreError>;

    /// Sets the password, and the keys if they are replaced; uses the token up, ends all sessions, and makes a wish for
    /// another address worthless. The vault of replaced keys is put away with its wraps, under the next number. The sessions that were ended; `None`: the token
    /// does not stand any more, nothing was written.
    async fn redeem_reset(&self, redemption: Redemption) -> Result<Option<Vec<SessionId>>, StoreError>;
}

/// A token that stands.
#[derive(Clone, Debug)]
pub struct StandingReset {
    /// Whose password it resets.
    pub account: AccountId,
    /// The account's name.
    pub username: Username,
    /// When it was made good.
    pub armed_at_ms: u64,
    /// The second factor, where it is on.
    pub totp: Option<StoredTotp>,
    /// Where the account's mails go.
    pub email: Option<EmailAddress>,
    /// The account key, sealed by the recovery key.
    pub wrapped_by_recovery_key: WrappedAccountKey,
    /// The current identity key.
    pub identity: IdentityPublic,
    /// The current prekey.
    pub prekey: SignedPrekey,
    /// The vault row of the identity key.
    pub identity_row: Row,
}

/// A token that is redeemed.
#[derive(Clone, Debug)]
pub struct Redemption {
    /// The token.
    pub token: TokenHash,
    /// Whose it must be.
    pub account: AccountId,
    /// The password as it is to be.
    pub wraps: NewWraps,
    /// What becomes of the keys.
    pub keys: RedeemedKeys,
    /// When.
    pub at_ms: u64,
}

/// What becomes of the keys of an account at a reset.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it a reset")]
pub enum RedeemedKeys {
    /// They stay.
    Keep,
    /// New ones take their place.
    Replace {
        /// The new account key, sealed by the new recovery key.
        wrapped_by_recovery_key: WrappedAccountKey,
        /// The new identity key.
        identity: IdentityPublic,
        /// Its first prekey.
        prekey: SignedPrekey,
        /// The first rows of the new vault.
        vault: Vec<NewRow>,
    },
}

/// Addresses that change. An account has one change at a time: the newest.
#[async_trait]
pub trait Emails: Send + Sync {
    /// Notes that this address is to be the account's once it is confirmed, in the place of an earlier wish. `None`
    /// removes the address that there is, and every wish, at once. `false`: what was proven does not hold any more, nothing
    /// was written.
    async fn wish_email(
        &self,
        proven: Proven,
        email: Option<EmailAddress>,
        at_ms: u64,
    ) -> Result<bool, StoreError>;

    /// Makes a token good that confirms the account's wish. `None`: there is no wish.
    async fn arm_email(
        &self,
        account: AccountId,
        token: TokenHash,
        at_ms: u64,
    ) -> Result<Option<ArmedEmail>, StoreError>;

    /// Fulfils the wish that this token confirms, if the token was made good after `armed_after_ms`. A reset token of the
    /// account is worthless then: it went to the address before. `None`: there is none, nothing was written.
    async fn confirm_email(
        &self,
        token: TokenHash,
        armed_after_ms: u64,
    ) -> Result<Option<ConfirmedEmail>, StoreError>;
}

/// A wish that can be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmedEmail {
    /// The account's name.
    pub username: Username,
    /// The address that is to be confirmed.
    pub email: EmailAddress,
}

/// A wish that was fulfilled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedEmail {
    /// Whose.
    pub account: AccountId,
    /// The account's name.
    pub username: Username,
    /// The address that it had before.
    pub before: Option<EmailAddress>,
    /// The address that it has now.
    pub now: EmailAddress,
}

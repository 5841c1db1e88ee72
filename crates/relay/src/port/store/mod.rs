//! Where the relay keeps everything.

mod accounts;
mod counters;
mod devices;
mod directory;
mod error;
mod invites;
mod mailbox;
mod mails;
mod prekeys;
mod resets;
mod second_factors;
mod sessions;
mod vault;

pub use accounts::{
    Accounts, Credentials, NewAccount, NewWraps, Proven, Registered, StoredProfile, StoredTotp,
};
pub use counters::{Counter, Counters};
pub use devices::{Devices, LogOutcome, NewLogEntry};
pub use directory::Directory;
pub use error::StoreError;
pub use invites::{Invite, InviteUse, Invites, NewInvite};
pub use mailbox::{
    CurrentKeys, Delivered, DeliveryPage, ErasedMessages, ItemState, Mailbox, NewEnvelope, SealedDelivery,
    SendContext, SentEnvelope,
};
pub use mails::{DueMail, Mails, NewMail};
pub use prekeys::{
    Claim, Claimed, NewPrekeys, PASSED_OVER, Prekeys, PublishOutcome, StoredPrekeyStatus, UsedPrekey,
};
pub use resets::{ArmedEmail, ConfirmedEmail, Emails, RedeemedKeys, Redemption, Resets, StandingReset};
pub use second_factors::SecondFactors;
pub use sessions::{Expiry, LiveSession, NewSession, Sessions, StoredSession};
pub use vault::{PutOutcome, SealedVaults, StoredSealedVault, VaultRoom, VaultRows};

/// Where the relay keeps everything. Each method is one use-case and one transaction: it happened as a whole, durably,
/// when it returns `Ok`; it did not happen when it returns `Err`; and when its future is dropped, it happened as a whole
/// or not at all.
pub trait Store:
    Accounts
    + Counters
    + Devices
    + Directory
    + Emails
    + Invites
    + Mailbox
    + Mails
    + Prekeys
    + Resets
    + SealedVaults
    + SecondFactors
    + Sessions
    + VaultRows
{
}

impl<S> Store for S where
    S: Accounts
        + Counters
        + Devices
        + Directory
        + Emails
        + Invites
        + Mailbox
        + Mails
        + Prekeys
        + Resets
        + SealedVaults
        + SecondFactors
        + Sessions
        + VaultRows
{
}

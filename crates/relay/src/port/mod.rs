//! What the engine needs of the world. Each port has at least two adapters: the real one, and one without IO for tests.

mod clock;
mod entropy;
mod events;
mod mailer;
mod passwords;
mod store;

pub use clock::Clock;
pub use entropy::{Entropy, EntropyRng};
pub use events::{Events, LocalEvents, Notice};
pub use mailer::{Mailer, NoMailer};
pub use passwords::{Bcrypt, BcryptCost, BcryptCostRefused, Busy, PasswordHash, Passwords};
pub use store::{
    Accounts, ArmedEmail, Claim, Claimed, ConfirmedEmail, Counter, Counters, Credentials, CurrentKeys,
    Delivered, DeliveryPage, Devices, Directory, DueMail, Emails, ErasedMessages, Expiry, Invite, InviteUse,
    Invites, ItemState, LiveSession, LogOutcome, Mailbox, Mails, NewAccount, NewEnvelope, NewInvite,
    NewLogEntry, NewMail, NewPrekeys, NewSession, NewWraps, PASSED_OVER, Prekeys, Proven, PublishOutcome,
    PutOutcome, RedeemedKeys, Redemption, Registered, Resets, SealedDelivery, SealedVaults, SecondFactors,
    SendContext, SentEnvelope, Sessions, StandingReset, Store, StoreError, StoredPrekeyStatus, StoredProfile,
    StoredSealedVault, StoredSession, StoredTotp, UsedPrekey, VaultRoom, VaultRows,
};

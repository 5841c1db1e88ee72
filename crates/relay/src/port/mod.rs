//! What the engine needs of the world. Each port has at least two adapters: the real one, and one without IO for tests.

mod clock;
mod entropy;
mod events;
mod passwords;
mod store;

pub use clock::Clock;
pub use entropy::{Entropy, EntropyRng};
pub use events::{Events, LocalEvents};
pub use passwords::{Bcrypt, BcryptCost, BcryptCostRefused, Busy, PasswordHash, Passwords};
pub use store::{
    Accounts, Credentials, CurrentKeys, Delivered, DeliveryPage, Directory, Expiry, LiveSession, Mailbox,
    NewAccount, NewEnvelope, NewSession, PutOutcome, Registered, SealedDelivery, SendContext, SentEnvelope,
    Sessions, Store, StoreError, VaultRoom, VaultRows,
};

//! The device's engine: sign-up, sign-in, vault, pins, outbox, inbox, sync. The same code in the browser and natively.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`device`] | [`Device`]: the port to the platform; calls, records, time, randomness |
//! | `sign_up` | [`sign_up`]: draws all keys, makes the account |
//! | `sign_in` | [`sign_in`] with a password, [`unlock`] a locked page, [`resume`] after a reload |
//! | `log_out` | [`log_out_locked`]: a locked page's account leaves the device |
//! | `reset` | [`Reset`]: a new password by a token from a mail |
//! | `sealed_vault` | what a reset put away is opened again |
//! | `settings` | what an account's owner changes |
//! | `export` | [`Export`]: everything, to take away |
//! | `account` | [`Account`]: the facade of everything that a signed-in person does |
//! | `conversation` | the state in memory, and the views that are shown |
//! | `inbox` | one delivery's way from bytes to a message: parsed, verified, opened, once |
//! | `load` | the device's own copies, read into memory |
//! | `sync` | page by page through the mailbox, each delivery kept as one record |
//! | `needs` | what deliveries need before they climb: keys, pins, names, device logs |
//! | `outbox` | one message's way to the relay: sealed once, sent until answered |
//! | `readers` | to which prekeys it is sealed |
//! | `pins` | which identity keys of contacts are accepted |
//! | `vault` | the account's sealed rows, by compare-and-set; keys that are made and keys that die |
//! | `this_device` | which device this is, introduced once for each session |
//! | `logs` | device logs of contacts and one's own, verified and held against the pins |
//! | `own_log` | the account's own log: appended to, and joined again after a server was set back |
//! | `archive` | content keys are archived before the keys that brought them die |
//! | `upkeep` | what is due: prekeys, epochs, ended devices, what disappears |
//! | `revocation` | devices are ended: out of the log, and what they may have kept is replaced |
//! | `erasure` | messages are deleted, for oneself or for everyone, or disappear by a timer |
//! | `set_back` | a server that was restored from a copy: what only this device has is kept aside |
//! | `repairs` | what was mended by itself |
//! | `records` | what the device keeps for itself, sealed |
//! | `interruption` | what can come between |
//!
//! # In two minutes
//!
//! ```
//! use std::sync::Arc;
//!
//! use client::{Account, Device, SignIn, sign_in};
//!
//! /// Alice signs in, writes to Bob, and reads what there is.
//! async fn alice<D: Device>(device: D) -> Result<Account<D>, Box<dyn std::error::Error>> {
//!     let form = SignIn {
//!         username: "alice".parse()?,
//!         password: "geh im Wald 7 Mal!".to_owned().into(),
//!         code: None,
//!         device_name: "Firefox on Linux".into(),
//!     };
//!     let account = sign_in(Arc::new(device), form).await?;
//!
//!     // What this device kept is shown at once, what is new comes page by page.
//!     account.on_change(|| println!("look again"));
//!     account.load().await?;
//!     account.sync().await?;
//!
//!     // What is composed is safe on the device; flushing sends it, and may be tried again at any time.
//!     let bob = account.users(Some("bob"), None).await?.users.remove(0);
//!     let conversation = account.open_conversation(&[bob.account]).await?;
//!     account.compose(conversation, "Hello Bob!").await?;
//!     account.flush().await?;
//!
//!     for message in account.thread(conversation).expect("it was just opened").messages {
//!         println!("{}: {:?} ({:?})", message.author.username, message.body, message.state);
//!     }
//!     Ok(account)
//! }
//! ```
//!
//! When a method says [`Interruption::SessionEnded`], drop the account and ask for the password; when it says that it
//! [passes by itself](Interruption::passes_by_itself), call it again after a while.
//!
//! There is no clock, no network and no thread in here: the [`Device`] has them.

pub mod device;

mod account;
mod archive;
mod conversation;
mod engine;
mod erasure;
mod export;
mod inbox;
mod interruption;
mod load;
mod log_out;
mod logs;
mod needs;
mod new_keys;
mod outbox;
mod own_log;
mod pins;
mod readers;
mod records;
mod repairs;
mod reset;
mod revocation;
mod sealed_vault;
mod set_back;
mod settings;
mod sign_in;
mod sign_up;
mod sync;
mod this_device;
mod upkeep;
mod vault;

pub use account::{AcceptKeyError, Account, ComposeError, OpenConversationError};
pub use conversation::view::{
    Body, Contact, ConversationSummary, KeyChange, Message, MessageState, Preview, Selection, Thread,
    duration_words, timer_line,
};
pub use device::{CallError, Device, StoreUnavailable};
pub use erasure::{DeleteError, TimerError};
pub use export::Export;
pub use interruption::Interruption;
pub use log_out::{log_out_locked, unsent_of_locked};
pub use repairs::{Mended, Repair};
pub use reset::{KeysAfterReset, Redeemed, Reset, ResetError, forgot_password};
pub use sealed_vault::{SealedVaultError, SealedVaultOpener};
pub use settings::{Confirmation, NewRecoveryKey, RecoveryKeyRefused, SettingsError, confirm_email, policy};
pub use sign_in::{ResumeError, SignIn, SignInError, resume, sign_in, unlock};
pub use sign_up::{SignUp, SignUpAttempt, SignUpError, sign_up};
pub use sync::{SyncError, Synced};
pub use vault::VaultRefused;

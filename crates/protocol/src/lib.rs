//! What travels between a device and the relay: names, requests, answers, events, error codes, limits.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`call`] | [`Call`]: a request, its path, its answer; the table of all calls |
//! | [`account`] | names are asked for, accounts made, passwords proven, sessions begun and ended |
//! | [`profile`] | what an account knows of itself, and how its owner changes it |
//! | [`session`] | sessions are listed, ended, unlocked |
//! | [`second_factor`], [`proof`] | codes of an authenticator; the password once more |
//! | [`reset`] | a new password by a mail |
//! | [`policy`] | what this server offers |
//! | [`directory`] | who is there, and by which keys |
//! | [`device`] | which devices an account has |
//! | [`prekey`] | keys that receive one message each, in advance |
//! | [`mailbox`] | envelopes go in, deliveries come out, in one gap-free sequence an account |
//! | [`vault`] | rows that only the account's devices can read |
//! | [`content`] | what stands inside an envelope's body; the relay never sees it |
//! | [`refusal`] | why a call was not answered: stable codes, each with its status |
//! | [`username`], [`email`], [`password`] | the rules of names, addresses and passwords, the same everywhere |
//! | [`text`] | what texts must not hold |
//! | [`limits`] | the figures, with their units and reasons |
//!
//! Requests and answers are JSON; unknown fields, wrong types and U+0000 are refused. Binary values are base64url
//! without padding. The crate knows no storage, no HTTP, no clock.

pub mod account;
pub mod call;
pub mod content;
pub mod device;
pub mod directory;
pub mod email;
pub mod limits;
pub mod mailbox;
pub mod password;
pub mod policy;
pub mod prekey;
pub mod profile;
pub mod proof;
pub mod refusal;
pub mod reset;
pub mod second_factor;
pub mod session;
pub mod text;
pub mod username;
pub mod vault;

mod binary;
mod cursor;

pub use binary::Binary;
pub use call::Call;
pub use crypto::id::{self, DeviceId, SessionId};
pub use cursor::Cursor;
pub use email::EmailAddress;
pub use refusal::{Code, Refusal};
pub use username::Username;

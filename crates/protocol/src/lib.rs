//! What travels between a device and the relay: names, requests, answers, events, error codes, limits.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`call`] | [`Call`]: a request, its path, its answer; the table of all calls |
//! | [`account`] | names are asked for, accounts made, passwords proven, sessions begun and ended |
//! | [`directory`] | who is there, and by which keys |
//! | [`mailbox`] | envelopes go in, deliveries come out, in one gap-free sequence an account |
//! | [`vault`] | rows that only the account's devices can read |
//! | [`content`] | what stands inside an envelope's body; the relay never sees it |
//! | [`refusal`] | why a call was not answered: stable codes, each with its status |
//! | [`username`], [`password`] | the rules of names and passwords, the same everywhere |
//! | [`limits`] | the figures, with their units and reasons |
//!
//! Requests and answers are JSON; unknown fields, wrong types and U+0000 are refused. Binary values are base64url
//! without padding. The crate knows no storage, no HTTP, no clock.

pub mod account;
pub mod call;
pub mod content;
pub mod directory;
pub mod limits;
pub mod mailbox;
pub mod password;
pub mod refusal;
pub mod username;
pub mod vault;

mod binary;
mod cursor;
mod text;

pub use binary::Binary;
pub use call::Call;
pub use crypto::id::{self, SessionId};
pub use cursor::Cursor;
pub use refusal::{Code, Refusal};
pub use username::Username;

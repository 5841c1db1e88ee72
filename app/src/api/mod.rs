//! The server functions: the relay's calls, each at the fixed path that [`protocol::call`] gives it.
//!
//! Each takes a request, calls the relay, and answers. What stands around them (who may call from where, how large a
//! body may be, how a refusal becomes a status) is the server's, in one place for all. The page itself posts to the same
//! paths through the engine's `Device`, like any other client; so only the server has use for the bodies here.
//!
//! | file | calls |
//! | --- | --- |
//! | [`account`] | prelogin, register, profile, changes, delete |
//! | [`session`] | login, current, logout, list, end, unlock |
//! | [`second_factor`] | begin, enable, disable, renew codes |
//! | [`reset`] | forgot, check, redeem |
//! | [`policy`] | what this server offers |
//! | [`directory`] | users, keys |
//! | [`device`] | append, logs |
//! | [`prekeys`] | publish, status, claim |
//! | [`mailbox`] | send, page, history, archive, erase |
//! | [`vault`] | rows, put, and those that a reset put away |
//! | [`exchange`] | where a call comes from, and the session's token on its way in and out (server only) |
//! | [`whole_body`] | a body that is the request itself |
//! | [`refused`] | a refusal, as server functions want their errors |

pub mod account;
pub mod device;
pub mod directory;
#[cfg(feature = "ssr")]
pub mod exchange;
pub mod mailbox;
pub mod policy;
pub mod prekeys;
pub mod refused;
pub mod reset;
pub mod second_factor;
pub mod session;
pub mod vault;
pub mod whole_body;

pub use refused::Refused;
use whole_body::WholeBody;

/// What a server function gives.
pub type Answer<T> = Result<T, Refused>;

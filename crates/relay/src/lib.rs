//! The server's engine: it passes on what it cannot read.
//!
//! # Map
//!
//! | module | verbs | what it is |
//! | --- | --- | --- |
//! | [`account`] | [`prelogin`](Relay::prelogin), [`register`](Relay::register) | names are asked for, accounts made |
//! | [`session`] | [`login`](Relay::login), [`authenticate`](Relay::authenticate), [`current_session`](Relay::current_session), [`logout`](Relay::logout) | passwords are proven, sessions begin and end |
//! | [`directory`] | [`list_users`](Relay::list_users), [`fetch_keys`](Relay::fetch_keys) | who is there, and by which keys |
//! | [`mailbox`] | [`send`](Relay::send), [`fetch_page`](Relay::fetch_page), [`subscribe`](Relay::subscribe) | envelopes in, deliveries out |
//! | [`vault`] | [`fetch_rows`](Relay::fetch_rows), [`put_row`](Relay::put_row) | rows that only the account's devices can read |
//! | [`port`] | | what the engine needs of the world: store, passwords, events, clock, entropy |
//!
//! One file is one use-case. Each verb takes a parsed request of `protocol`, and a [`Caller`] where one must be signed in,
//! and gives the answer or a [`Refusal`](protocol::Refusal); faces only translate. The crate knows no runtime, no HTTP
//! and no SQL: all IO stands behind the ports.

pub mod account;
pub mod directory;
pub mod mailbox;
pub mod policy;
pub mod port;
pub mod session;
pub mod vault;

mod attempts;
mod engine;
mod secret;

pub use engine::{Relay, RelayParts};
pub use policy::Policy;
pub use secret::ServerSecret;
pub use session::{Caller, SessionToken};

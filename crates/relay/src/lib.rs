//! The server's engine: it passes on what it cannot read.
//!
//! # Map
//!
//! | module | verbs | what it is |
//! | --- | --- | --- |
//! | [`account`] | [`prelogin`](Relay::prelogin), [`register`](Relay::register), [`fetch_profile`](Relay::fetch_profile), [`change_password`](Relay::change_password), [`change_email`](Relay::change_email), [`change_recovery_key`](Relay::change_recovery_key), [`delete_account`](Relay::delete_account) | accounts are made, changed and deleted |
//! | [`session`] | [`login`](Relay::login), [`authenticate`](Relay::authenticate), [`unlock`](Relay::unlock), [`list_sessions`](Relay::list_sessions), [`end_session`](Relay::end_session), [`logout`](Relay::logout) | passwords are proven, sessions begin and end |
//! | [`second_factor`] | [`begin_totp`](Relay::begin_totp), [`enable_totp`](Relay::enable_totp), [`disable_totp`](Relay::disable_totp) | codes of an authenticator, and those that stand in for it |
//! | [`reset`] | [`forgot_password`](Relay::forgot_password), [`check_reset`](Relay::check_reset), [`redeem_reset`](Relay::redeem_reset) | passwords are reset by a token |
//! | [`invite`] | [`make_invite`](Relay::make_invite) | who may make an account |
//! | [`mail`] | [`next_letters`](Relay::next_letters), [`letter_done`](Relay::letter_done) | what is told by mail |
//! | [`directory`] | [`list_users`](Relay::list_users), [`fetch_keys`](Relay::fetch_keys) | who is there, and by which keys |
//! | [`device`] | [`append_log`](Relay::append_log), [`fetch_logs`](Relay::fetch_logs) | which devices an account has |
//! | [`prekey`] | [`publish_prekeys`](Relay::publish_prekeys), [`prekey_status`](Relay::prekey_status), [`claim_prekeys`](Relay::claim_prekeys) | keys that receive one message each |
//! | [`mailbox`] | [`send`](Relay::send), [`fetch_page`](Relay::fetch_page), [`fetch_history`](Relay::fetch_history), [`archive`](Relay::archive), [`erase`](Relay::erase), [`erase_expired`](Relay::erase_expired), [`subscribe`](Relay::subscribe) | envelopes in, deliveries out, and what is left of them |
//! | [`vault`] | [`fetch_rows`](Relay::fetch_rows), [`put_row`](Relay::put_row), [`fetch_sealed_vault`](Relay::fetch_sealed_vault) | rows that only the account's devices can read |
//! | [`brakes`] | [`restore_counters`](Relay::restore_counters), [`keep_counters`](Relay::keep_counters) | guessing and flooding are slowed down |
//! | [`port`] | | what the engine needs of the world: store, passwords, events, mailer, clock, entropy |
//!
//! One file is one use-case. Each verb takes a parsed request of `protocol`, and a [`Caller`] where one must be signed in,
//! and gives the answer or a [`Refusal`](protocol::Refusal); faces only translate. The crate knows no runtime, no HTTP
//! and no SQL: all IO stands behind the ports.

pub mod account;
pub mod brakes;
pub mod device;
pub mod directory;
pub mod invite;
pub mod mail;
pub mod mailbox;
pub mod policy;
pub mod port;
pub mod prekey;
pub mod reset;
pub mod second_factor;
pub mod session;
pub mod vault;

mod engine;
mod secret;

pub use brakes::Network;
pub use engine::{Relay, RelayParts};
pub use policy::Policy;
pub use secret::ServerSecret;
pub use session::{Caller, SessionToken};

//! The second factor: codes of an authenticator (TOTP, RFC 6238), and the recovery codes that stand in for it.
//!
//! A code is asked for at each login and before each change of how the account is protected. A step's code is good once;
//! so is a recovery code. A wrong one is counted before it is checked: five in a row, twenty in an hour. Whoever tries
//! must prove the password each time, so there is no pending login that could be kept alive.

mod check;
mod settings;
mod totp;

pub(crate) use check::Holder;

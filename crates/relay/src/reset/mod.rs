//! Passwords that are reset by a token from a mail, or from the operator.

mod check;
mod forgot;
mod link;
mod redeem;

pub use link::NoSuchAccount;

/// How long a reset token is good: an hour.
pub const RESET_TOKEN_MS: u64 = 60 * 60 * 1_000;

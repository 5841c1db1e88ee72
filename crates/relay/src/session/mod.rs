//! Sessions: a token in the device's hands that names a row here; the row decides.
//!
//! A session ends when it is ended, when it was not seen for [`IDLE_MS`], or when it is [`ABSOLUTE_MS`] old. Its token is
//! renewed by any request once it is [`RENEW_TOKEN_AFTER_MS`] old.

mod authenticate;
mod begin;
mod current;
mod list;
mod login;
mod logout;
mod prove;
mod token;
mod unlock;

pub use authenticate::Caller;
pub use token::SessionToken;

pub(crate) use begin::checked_device_name;
pub(crate) use login::busy_refusal;
pub(crate) use prove::not_the_password;

use crate::port::{Expiry, LiveSession};

/// How long a session lives without being used: 7 days.
pub const IDLE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a session lives at most: 30 days.
pub const ABSOLUTE_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// How old a token is when it is renewed: 15 minutes.
pub const RENEW_TOKEN_AFTER_MS: u64 = 15 * 60 * 1_000;
/// How precisely it is noted when a session was last seen: a minute, so that a busy session does not write all the time.
pub const SEEN_PRECISION_MS: u64 = 60 * 1_000;

fn expired_by(now_ms: u64) -> Expiry {
    Expiry {
        created_before_ms: now_ms.saturating_sub(ABSOLUTE_MS),
        seen_before_ms: now_ms.saturating_sub(IDLE_MS),
    }
}

fn is_over(session: &LiveSession, now_ms: u64) -> bool {
    let Expiry { created_before_ms, seen_before_ms } = expired_by(now_ms);
    session.created_at_ms < created_before_ms || session.last_seen_at_ms < seen_before_ms
}

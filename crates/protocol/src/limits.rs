//! The figures, with their units and reasons.

pub use crypto::envelope::{MAX_CONTENT_BYTES, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS, MIN_RECIPIENTS};

/// Longest text in one message, in bytes of UTF-8: its JSON stays below [`MAX_CONTENT_BYTES`] even when every byte is
/// escaped to six.
pub const MAX_TEXT_BYTES: usize = 10_000;
/// Most deliveries in one page of a mailbox: a page stays below a few megabytes, and a phone opens it in half a second.
pub const MAX_PAGE_ITEMS: u32 = 200;
/// Most bytes of deliveries in one page; a page holds at least one delivery, whatever its size.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// Most users in one page of the directory.
pub const MAX_USERS_PER_PAGE: usize = 200;
/// Longest id of a vault row within its kind, in bytes: the longest of today is an account id.
pub const MAX_VAULT_KEY_ID_BYTES: usize = 32;
/// Longest sealed vault row, in bytes.
pub const MAX_VAULT_ROW_BYTES: usize = 4 * 1024;
/// Most rows in one vault: an account's keys, and a pin for each of ten thousand contacts.
pub const MAX_VAULT_ROWS: usize = 10_100;
/// Most bytes of sealed rows in one vault: pins of ten thousand contacts with the longest names. All rows go out in one
/// answer, which the server holds in memory.
pub const MAX_VAULT_BYTES: usize = 2 * 1024 * 1024;
/// Most rows that come with a registration.
pub const MAX_REGISTER_ROWS: usize = 8;
/// Longest name of a device, in characters.
pub const MAX_DEVICE_NAME_CHARS: usize = 64;
/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, less the brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest request body of a small call, in bytes: a registration with its keys is a fifth of it.
pub const MAX_SMALL_BODY_BYTES: usize = 32 * 1024;
/// Longest request body that carries an envelope, in bytes: the largest envelope as base64, and a little JSON.
pub const MAX_SEND_BODY_BYTES: usize = MAX_ENVELOPE_BYTES / 3 * 4 + 1024;

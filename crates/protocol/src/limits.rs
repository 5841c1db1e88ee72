//! The figures, with their units and reasons.

pub use crypto::envelope::{
    MAX_CONTENT_BYTES, MAX_ENVELOPE_BYTES, MAX_RECIPIENTS, MAX_SEALS, MIN_RECIPIENTS,
};

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
/// Most prekeys that are published at once, of each kind: a batch.
pub const MAX_PREKEYS_AT_ONCE: usize = 100;
/// Most prekeys that one account, or one device, has published and nobody has claimed: two batches and a half.
pub const MAX_UNCLAIMED_PREKEYS: u32 = 250;
/// Longest request body that publishes prekeys, in bytes: two batches (1 726 bytes a prekey as base64) and a signed one.
pub const MAX_PUBLISH_BODY_BYTES: usize = 384 * 1024;
/// How long a prekey that was claimed can be written to: 7 days, for who is offline in between.
pub const CLAIM_LIFETIME_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// How many prekeys of one account or device somebody may have claimed and written nothing to: 20, so that nobody uses up
/// what others are to write to.
pub const MAX_UNUSED_CLAIMS: u32 = 20;
/// How long a one-time prekey is handed out after it was published: 30 days. A week later nobody can write to it, and its
/// owner may forget it.
pub const PREKEY_LIFETIME_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Most keys that are archived at once: 20 kilobytes.
pub const MAX_ARCHIVED_AT_ONCE: usize = 100;
/// Most device logs that are asked for at once.
pub const MAX_LOGS: usize = MAX_RECIPIENTS;
/// Most entries of device logs in one answer: half a megabyte.
pub const MAX_LOG_ENTRIES: usize = 2_000;
/// Most entries of one device log: a sign-in a day for fourteen years.
pub const MAX_LOG_LENGTH: u32 = 10_000;
/// Shortest time after which a message disappears, in seconds: long enough to be read.
pub const MIN_TIMER_S: u32 = 5;
/// Longest time after which a message disappears, in seconds: a year.
pub const MAX_TIMER_S: u32 = 365 * 24 * 60 * 60;
/// Longest name of a device, in characters.
pub const MAX_DEVICE_NAME_CHARS: usize = 64;
/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3, less the brackets).
pub const MAX_EMAIL_BYTES: usize = 254;
/// Longest request body of a small call, in bytes: a registration with its keys is a fifth of it.
pub const MAX_SMALL_BODY_BYTES: usize = 32 * 1024;
/// Longest request body that carries an envelope, in bytes: the largest envelope as base64, and a little JSON.
pub const MAX_SEND_BODY_BYTES: usize = MAX_ENVELOPE_BYTES / 3 * 4 + 1024;

//! This machine's clock and randomness: read here and nowhere else.

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the clock of programs")]
pub(crate) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Fills `bytes` with randomness of cryptographic quality.
#[expect(clippy::disallowed_methods, reason = "this is the randomness of programs")]
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives randomness");
}

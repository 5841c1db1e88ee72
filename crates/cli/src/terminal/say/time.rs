//! A point in time in words.

use jiff::{Timestamp, tz::TimeZone};

/// In this machine's time zone, to the minute.
pub(in crate::terminal) fn local(at_ms: u64) -> String {
    written(at_ms, TimeZone::system())
}

fn written(at_ms: u64, zone: TimeZone) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    at.map_or_else(
        // A sender may claim any time.
        || "at no time".to_owned(),
        |at| at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_none_is_too_strange() {
        assert_eq!(written(1_790_000_000_000, TimeZone::UTC), "2026-09-21 14:13");
        assert_eq!(written(u64::MAX, TimeZone::UTC), "at no time");
    }
}

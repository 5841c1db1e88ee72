//! A point in time in words.

use jiff::{Timestamp, tz::TimeZone};

/// In this machine's time zone, to the minute.
pub(in crate::terminal) fn local(at_ms: u64) -> String {
    written(at_ms, TimeZone::system())
}

/// What is left until then, rounded up: `4 min`.
pub(in crate::terminal) fn left(until_ms: u64, now_ms: u64) -> String {
    /// Up to how many seconds each unit is used, how many seconds it has, and what it is called.
    const UNITS: [(u64, u64, &str); 3] =
        [(60, 1, "s"), (60 * 60, 60, "min"), (2 * 24 * 60 * 60, 60 * 60, "h")];
    let seconds = until_ms.saturating_sub(now_ms).div_ceil(1000);
    let unit = UNITS.iter().find(|(most, ..)| seconds <= *most);
    unit.map_or_else(
        || format!("{} days", seconds.div_ceil(24 * 60 * 60)),
        |(_, unit, name)| format!("{} {name}", seconds.div_ceil(*unit)),
    )
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
    fn what_is_left_is_rounded_up() {
        let left = |seconds: u64| left(10_000 + seconds * 1000, 10_000);
        assert_eq!([left(0), left(5), left(60), left(61)], ["0 s", "5 s", "60 s", "2 min"]);
        assert_eq!([left(200), left(3600), left(3601)], ["4 min", "60 min", "2 h"]);
        assert_eq!(
            [left(2 * 86_400), left(2 * 86_400 + 1), left(365 * 86_400)],
            ["48 h", "3 days", "365 days"]
        );
        assert_eq!(super::left(1, 2), "0 s");
    }

    #[test]
    fn times_are_short_and_none_is_too_strange() {
        assert_eq!(written(1_790_000_000_000, TimeZone::UTC), "2026-09-21 14:13");
        assert_eq!(written(u64::MAX, TimeZone::UTC), "at no time");
    }
}

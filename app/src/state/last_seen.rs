//! How long ago something was, in words.

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// The server remembers when a session was seen to the minute, and its device says so only now and then.
const NOW_MS: u64 = 2 * MINUTE_MS;

/// `just now`, `12 minutes ago`, `3 days ago`. What lies ahead, by a clock that differs, is now.
pub fn last_seen(at_ms: u64, now_ms: u64) -> String {
    let passed_ms = now_ms.saturating_sub(at_ms);
    let ago = |count: u64, unit: &str| match count {
        1 => format!("1 {unit} ago"),
        many => format!("{many} {unit}s ago"),
    };
    match passed_ms {
        ..NOW_MS => "just now".to_owned(),
        NOW_MS..HOUR_MS => ago(passed_ms / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => ago(passed_ms / HOUR_MS, "hour"),
        DAY_MS.. => ago(passed_ms / DAY_MS, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_in_the_unit_that_people_would_take() {
        let now_ms = 100 * DAY_MS;
        for (passed_ms, words) in [
            (0, "just now"),
            (NOW_MS - 1, "just now"),
            (NOW_MS, "2 minutes ago"),
            (HOUR_MS - 1, "59 minutes ago"),
            (HOUR_MS, "1 hour ago"),
            (DAY_MS - 1, "23 hours ago"),
            (DAY_MS, "1 day ago"),
            (40 * DAY_MS, "40 days ago"),
        ] {
            assert_eq!(last_seen(now_ms - passed_ms, now_ms), words);
        }
        assert_eq!(last_seen(now_ms + DAY_MS, now_ms), "just now");
    }
}

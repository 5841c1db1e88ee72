//! The arithmetic of one counter, at a time that is given.

use protocol::{Refusal, refusal::Code};

use super::Rate;

/// Wrong passwords in a row that cost nothing: people mistype.
const FREE_FAILURES: u64 = 5;
/// Wrong passwords in a row after which a name rests for [`REST_MS`] (NIST SP 800-63B section 5.2.2).
pub(super) const MOST_FAILURES: u64 = 100;
/// The longest delay between two tries.
const LONGEST_DELAY_MS: u64 = 15 * 60 * 1_000;
/// How long a name rests after [`MOST_FAILURES`], and after which time failures are forgotten.
const REST_MS: u64 = 24 * 60 * 60 * 1_000;

/// What is counted, and when last. For rates a level is thousandths that were used, for failures their number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) level: u64,
    pub(super) at_ms: u64,
}

impl Level {
    /// What of a rate is used by now.
    pub(super) fn used(self, rate: Rate, now_ms: u64) -> u64 {
        let refilled = now_ms.saturating_sub(self.at_ms).saturating_mul(u64::from(rate.per_hour)) / 3_600;
        self.level.saturating_sub(refilled)
    }

    /// Takes one of a rate.
    pub(super) fn take(self, rate: Rate, now_ms: u64) -> Result<Self, Refusal> {
        let used = self.used(rate, now_ms) + 1_000;
        match used.checked_sub(u64::from(rate.burst) * 1_000) {
            None | Some(0) => Ok(Self { level: used, at_ms: now_ms }),
            Some(over) => Err(too_many(over.saturating_mul(3_600) / u64::from(rate.per_hour.max(1)))),
        }
    }

    /// Gives one back.
    pub(super) fn give_back(self) -> Self {
        Self { level: self.level.saturating_sub(1_000), ..self }
    }

    /// Counts one more failure, unless it is too soon after the last.
    pub(super) fn fail(self, delay: fn(u64) -> u64, now_ms: u64) -> Result<Self, Refusal> {
        // A clock that stepped back does not lengthen the delay.
        let last_ms = self.at_ms.min(now_ms);
        let in_a_row = self.failures(now_ms);
        match delay(in_a_row).checked_sub(now_ms - last_ms) {
            None | Some(0) => Ok(Self { level: in_a_row + 1, at_ms: now_ms }),
            Some(left_ms) => Err(too_many(left_ms)),
        }
    }

    /// Failures in a row that are not forgotten.
    pub(super) fn failures(self, now_ms: u64) -> u64 {
        if now_ms.saturating_sub(self.at_ms) >= REST_MS { 0 } else { self.level }
    }
}

/// Doubles with each failure after the free ones.
pub(super) fn growing_delay(in_a_row: u64) -> u64 {
    match in_a_row {
        0..FREE_FAILURES => 0,
        count => (1_000u64 << (count - FREE_FAILURES).min(20)).min(LONGEST_DELAY_MS),
    }
}

/// None, up to the cap.
pub(super) fn rest_at_the_cap(in_a_row: u64) -> u64 {
    if in_a_row >= MOST_FAILURES { REST_MS } else { 0 }
}

fn too_many(wait_ms: u64) -> Refusal {
    let seconds = wait_ms.div_ceil(1_000).max(1);
    let wait = match seconds {
        1 => "1 second".to_owned(),
        2..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3_600)),
    };
    Refusal::because(Code::TooManyRequests, format!("Too many attempts: try again in {wait}"))
        .retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds<T>(outcome: Result<T, Refusal>) -> Option<u32> {
        outcome.err().and_then(|refusal| refusal.retry_after_s)
    }

    #[test]
    fn a_rate_refills_up_to_its_burst() {
        let rate = Rate { burst: 2, per_hour: 1_800 };
        let mut level = Level::default();
        let mut take = |now_ms| match level.take(rate, now_ms) {
            Ok(next) => {
                level = next;
                None
            }
            Err(refusal) => refusal.retry_after_s,
        };
        assert_eq!([take(0), take(0), take(0)], [None, None, Some(2)]);
        assert_eq!([take(2_000), take(2_000)], [None, Some(2)]);
        assert_eq!([take(u64::MAX), take(u64::MAX), take(u64::MAX)], [None, None, Some(2)]);
        assert_eq!(take(0), Some(2), "a clock that stepped back gives nothing");
    }

    #[test]
    fn delays_double_and_end_at_a_quarter_of_an_hour() {
        assert_eq!([0, 4, 5, 6, 7].map(growing_delay), [0, 0, 1_000, 2_000, 4_000]);
        assert_eq!([14, 15, 99, 1_000].map(growing_delay), [512_000, 900_000, 900_000, 900_000]);
        assert_eq!([0, 99, 100].map(rest_at_the_cap), [0, 0, REST_MS]);
    }

    #[test]
    fn failures_are_forgotten_after_a_day_and_never_before() {
        let failed = Level { level: 7, at_ms: 1_000_000 };
        assert_eq!(seconds(failed.fail(growing_delay, 1_000_000)), Some(4));
        assert_eq!(seconds(failed.fail(growing_delay, 0)), Some(4), "the clock stepped back");
        assert_eq!(failed.fail(growing_delay, 1_004_000).unwrap().level, 8);
        assert_eq!(failed.fail(growing_delay, 1_000_000 + REST_MS).unwrap().level, 1);
    }

    #[test]
    fn the_wait_is_said_in_words() {
        for (wait_ms, said) in
            [(1, "1 second"), (59_001, "60 seconds"), (900_000, "15 minutes"), (REST_MS, "24 hours")]
        {
            assert!(too_many(wait_ms).message.ends_with(said), "{}", too_many(wait_ms).message);
        }
    }
}

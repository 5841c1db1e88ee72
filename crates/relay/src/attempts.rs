//! Brakes on guessing: per name, and for all together.
//!
//! The counters live in memory. A restart forgets them, which gives a guesser a handful of tries more; bcrypt and the
//! password rules stand behind them. What is counted is bounded, so that counting cannot be used to fill the memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::{Refusal, Username, refusal::Code};

use crate::Policy;

/// Wrong passwords in a row that cost nothing: people mistype.
const FREE_FAILURES: u32 = 5;
/// Wrong passwords in a row after which the name rests for [`REST_MS`].
const MOST_FAILURES: u32 = 100;
/// The longest delay between two tries.
const LONGEST_DELAY_MS: u64 = 15 * 60 * 1_000;
/// How long a name rests after [`MOST_FAILURES`], and after which time failures are forgotten.
const REST_MS: u64 = 24 * 60 * 60 * 1_000;
/// Names counted at once; past it, the one that failed longest ago is forgotten.
const MOST_NAMES: usize = 20_000;

/// So many at once, refilled with so many a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// Refilled in a minute.
    pub per_minute: u32,
}

/// All counters.
pub(crate) struct Attempts {
    registrations: Bucket,
    prelogins: Bucket,
    failed_logins: Bucket,
    names: Mutex<HashMap<Username, Failures>>,
}

#[derive(Clone, Copy)]
struct Failures {
    in_a_row: u32,
    last_at_ms: u64,
}

impl Attempts {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            registrations: Bucket::new(policy.registrations),
            prelogins: Bucket::new(policy.prelogins),
            failed_logins: Bucket::new(policy.failed_logins),
            names: Mutex::default(),
        }
    }

    pub(crate) fn registration(&self, now_ms: u64) -> Result<(), Refusal> {
        self.registrations.take(now_ms)
    }

    pub(crate) fn prelogin(&self, now_ms: u64) -> Result<(), Refusal> {
        self.prelogins.take(now_ms)
    }

    /// Counts a try at a password as failed, before it is checked: many at once get no more tries than one after the
    /// other. A name that nobody has is counted like any other.
    pub(crate) fn login(&self, username: &Username, now_ms: u64) -> Result<(), Refusal> {
        let mut names = lock(&self.names);
        let before = names.get_mut(username).and_then(|failures| {
            // A clock that stepped back does not lengthen the delay.
            failures.last_at_ms = failures.last_at_ms.min(now_ms);
            (!failures.are_forgotten(now_ms)).then_some(*failures)
        });
        if let Some(failures) = before {
            failures.check(now_ms)?;
        }
        self.failed_logins.take(now_ms)?;
        if before.is_none() && names.len() >= MOST_NAMES {
            forget_one(&mut names, now_ms);
        }
        let in_a_row = before.map_or(0, |failures| failures.in_a_row) + 1;
        names.insert(username.clone(), Failures { in_a_row, last_at_ms: now_ms });
        Ok(())
    }

    /// The password was right: what [`Self::login`] counted is taken back, and the name starts anew.
    pub(crate) fn login_succeeded(&self, username: &Username) {
        lock(&self.names).remove(username);
        self.failed_logins.give_back();
    }

    /// The password was not checked: what [`Self::login`] counted is taken back.
    pub(crate) fn login_unchecked(&self, username: &Username) {
        if let Some(failures) = lock(&self.names).get_mut(username) {
            failures.in_a_row = failures.in_a_row.saturating_sub(1);
        }
        self.failed_logins.give_back();
    }
}

impl Failures {
    fn check(self, now_ms: u64) -> Result<(), Refusal> {
        let delay_ms = match self.in_a_row {
            0..FREE_FAILURES => 0,
            MOST_FAILURES.. => REST_MS,
            count => (1_000u64 << (count - FREE_FAILURES).min(20)).min(LONGEST_DELAY_MS),
        };
        match delay_ms.checked_sub(now_ms - self.last_at_ms) {
            None | Some(0) => Ok(()),
            Some(left_ms) => Err(too_many(left_ms)),
        }
    }

    fn are_forgotten(self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.last_at_ms) >= REST_MS
    }
}

fn forget_one(names: &mut HashMap<Username, Failures>, now_ms: u64) {
    names.retain(|_, failures| !failures.are_forgotten(now_ms));
    if names.len() >= MOST_NAMES {
        let oldest =
            names.iter().min_by_key(|(_, failures)| failures.last_at_ms).map(|(name, _)| name.clone());
        oldest.and_then(|name| names.remove(&name));
    }
}

/// A token bucket.
struct Bucket {
    rate: Rate,
    state: Mutex<BucketState>,
}

struct BucketState {
    /// Thousandths of a token.
    left: u64,
    at_ms: u64,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        Self { rate, state: Mutex::new(BucketState { left: u64::from(rate.burst) * 1_000, at_ms: 0 }) }
    }

    fn take(&self, now_ms: u64) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        let refill = now_ms.saturating_sub(state.at_ms).saturating_mul(u64::from(self.rate.per_minute)) / 60;
        state.left = state.left.saturating_add(refill).min(u64::from(self.rate.burst) * 1_000);
        state.at_ms = now_ms;
        match state.left.checked_sub(1_000) {
            Some(left) => {
                state.left = left;
                Ok(())
            }
            None => Err(too_many((1_000 - state.left) * 60 / u64::from(self.rate.per_minute.max(1)))),
        }
    }

    fn give_back(&self) {
        lock(&self.state).left += 1_000;
    }
}

fn too_many(wait_ms: u64) -> Refusal {
    let seconds = wait_ms.div_ceil(1_000).max(1);
    Refusal::new(Code::TooManyRequests).retry_after(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// Counters are whole after every statement, so a poisoned lock still guards good ones.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counting_does_not_fill_the_memory() {
        let many = Rate { burst: u32::MAX, per_minute: 1 };
        let attempts = Attempts::new(&Policy { failed_logins: many, ..Policy::default() });
        let name = |number: usize| format!("person{number}").parse::<Username>().unwrap();
        for number in 0..MOST_NAMES + 3 {
            attempts.login(&name(number), number as u64).unwrap();
        }
        let names = lock(&attempts.names);
        assert_eq!(names.len(), MOST_NAMES);
        assert!(!names.contains_key(&name(0)), "the one that failed longest ago is forgotten");
        assert!(names.contains_key(&name(MOST_NAMES + 2)));
    }

    #[test]
    fn a_bucket_refills_up_to_its_burst() {
        let bucket = Bucket::new(Rate { burst: 2, per_minute: 30 });
        let take = |now_ms| bucket.take(now_ms).map_err(|refusal| refusal.retry_after_s);
        assert_eq!([take(0), take(0), take(0)], [Ok(()), Ok(()), Err(Some(2))]);
        assert_eq!([take(2_000), take(2_000)], [Ok(()), Err(Some(2))]);
        assert_eq!([take(u64::MAX), take(u64::MAX), take(u64::MAX)], [Ok(()), Ok(()), Err(Some(2))]);
    }
}

//! The machine's clock and randomness.
#![expect(clippy::disallowed_methods, reason = "here the machine's clock and randomness become ports")]

use std::time::{SystemTime, UNIX_EPOCH};

use relay::port::{Clock, Entropy};

/// The machine's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The operating system's randomness.
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes)
            .expect("a system that has given randomness at the start does not run out of it");
    }
}

/// How long something takes.
pub(crate) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Milliseconds, to a tenth.
    pub(crate) fn elapsed_ms(&self) -> f64 {
        (self.0.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
    }
}

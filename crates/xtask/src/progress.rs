//! What is said while a build runs: each step by its name, and how long it took.
#![expect(clippy::disallowed_methods, reason = "a build tells how long its steps took")]

use std::time::{Duration, Instant};

use anyhow::Result;

/// Says a line.
pub(crate) fn say(text: &str) {
    eprintln!("  {text}");
}

/// Does one step, and says its name before and its time after.
pub(crate) fn step<T>(name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("> {name} ...");
    let (result, took) = timed(work);
    match &result {
        Ok(_) => eprintln!("  {name}: done in {}", seconds(took)),
        Err(_) => eprintln!("  {name}: failed after {}", seconds(took)),
    }
    result
}

/// Does something, and tells how long it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// A duration as people read it.
pub(crate) fn seconds(took: Duration) -> String {
    match took.as_secs() {
        whole if whole >= 60 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{:.1} s", took.as_secs_f64()),
    }
}

//! The counters of one process, bounded.

use std::collections::HashMap;

use protocol::Refusal;

use super::{Purpose, Rate, level::Level};

/// Counters at once. Past it, those that counted longest ago are forgotten: rates first, wrong passwords last.
pub(super) const MOST_COUNTERS: usize = 50_000;
/// So many are forgotten at once, so that it is rarely done.
const FORGOTTEN_AT_ONCE: usize = MOST_COUNTERS / 50;

/// For whom is counted: a keyed hash.
pub(super) type Subject = [u8; 16];
/// For all together.
pub(super) const EVERYBODY: Subject = [0; 16];

#[derive(Default)]
pub(super) struct Levels {
    counted: HashMap<(Purpose, Subject), Level>,
    /// Those that the store does not know yet.
    changed: Vec<(Purpose, Subject)>,
}

impl Levels {
    pub(super) fn of(&self, purpose: Purpose, subject: Subject) -> Level {
        self.counted.get(&(purpose, subject)).copied().unwrap_or_default()
    }

    /// The same by this time. Where the clock has stepped back, the time that was noted lies ahead: it is set to now, or
    /// who waits would wait until the clock has caught up.
    pub(super) fn by(&mut self, purpose: Purpose, subject: Subject, now_ms: u64) -> Level {
        let noted = self.of(purpose, subject);
        let level = Level { at_ms: noted.at_ms.min(now_ms), ..noted };
        if level != noted {
            self.set(purpose, subject, level);
        }
        level
    }

    pub(super) fn set(&mut self, purpose: Purpose, subject: Subject, level: Level) {
        let before = if level.level == 0 {
            self.counted.remove(&(purpose, subject))
        } else {
            self.counted.insert((purpose, subject), level)
        };
        if before.unwrap_or_default() != level {
            self.changed.push((purpose, subject));
        }
    }

    /// One of each rate, or none of any.
    pub(super) fn take_all(
        &mut self,
        rates: &[(Purpose, Subject, Rate)],
        now_ms: u64,
    ) -> Result<(), Refusal> {
        let mut taken = Vec::with_capacity(rates.len());
        for (purpose, subject, rate) in rates {
            taken.push((*purpose, *subject, self.by(*purpose, *subject, now_ms).take(*rate, now_ms)?));
        }
        for (purpose, subject, level) in taken {
            self.set(purpose, subject, level);
        }
        self.make_room();
        Ok(())
    }

    /// One of each rate back.
    pub(super) fn give_back(&mut self, rates: &[(Purpose, Subject, Rate)]) {
        for (purpose, subject, _) in rates {
            let level = self.of(*purpose, *subject).give_back();
            self.set(*purpose, *subject, level);
        }
    }

    /// One failure back.
    pub(super) fn take_back(&mut self, purpose: Purpose, subject: Subject) {
        let counted = self.of(purpose, subject);
        self.set(purpose, subject, Level { level: counted.level.saturating_sub(1), ..counted });
    }

    /// Forgets some when there are too many.
    pub(super) fn make_room(&mut self) {
        let Some(over) = self.counted.len().checked_sub(MOST_COUNTERS + 1) else { return };
        let mut by_worth: Vec<_> = self
            .counted
            .iter()
            .map(|((purpose, subject), level)| (purpose.counts_guesses(), level.at_ms, *purpose, *subject))
            .collect();
        let gone = over + FORGOTTEN_AT_ONCE;
        by_worth.select_nth_unstable_by_key(gone, |(guesses, at_ms, ..)| (*guesses, *at_ms));
        for (_, _, purpose, subject) in by_worth.into_iter().take(gone) {
            self.set(purpose, subject, Level::default());
        }
    }

    /// What was counted since this was last asked.
    pub(super) fn take_changed(&mut self) -> Vec<(Purpose, Subject)> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable_by_key(|(purpose, subject)| (*purpose as u8, *subject));
        changed.dedup();
        changed
    }

    /// Will be given by [`Self::take_changed`] once more.
    pub(super) fn mark_changed(&mut self, changed: impl Iterator<Item = (Purpose, Subject)>) {
        self.changed.extend(changed);
    }

    /// Takes what an earlier process counted.
    pub(super) fn restore(&mut self, purpose: Purpose, subject: Subject, level: Level) {
        self.counted.insert((purpose, subject), level);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counted.len()
    }
}

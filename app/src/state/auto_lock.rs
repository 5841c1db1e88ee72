//! After how long without use the page locks.

use std::{cell::Cell, rc::Rc};

use client::{Device, StoreUnavailable, device::Change};
use leptos::task::spawn_local;

use crate::browser::{self, Activity};

/// The choice for this device. It holds for every account that is opened here, and stays when somebody logs out.
const CHOICE: &str = "device/auto-lock";
/// When the device was last used, roughly: for a page that is opened after the last one was closed.
const LAST_USED: &str = "device/last-used";
/// So often it is looked whether the time is over.
const LOOK_MS: u32 = 5_000;
/// So often the other tabs and the record are told that the device is used.
const TELL_MS: u64 = 10_000;

/// After how long without use the page locks. Off until somebody chooses otherwise: whoever is alone at a device that
/// locks by itself gains nothing from typing a password again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoLock {
    /// Never.
    #[default]
    Off,
    /// After five minutes.
    FiveMinutes,
    /// After a quarter of an hour.
    QuarterHour,
    /// After an hour.
    OneHour,
    /// After a working day.
    EightHours,
}

impl AutoLock {
    /// All choices, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Off, Self::FiveMinutes, Self::QuarterHour, Self::OneHour, Self::EightHours];

    /// What it is called.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Off => "Never",
            Self::FiveMinutes => "After 5 minutes",
            Self::QuarterHour => "After 15 minutes",
            Self::OneHour => "After 1 hour",
            Self::EightHours => "After 8 hours",
        }
    }

    /// The time without use; `None`: for ever.
    pub const fn after_ms(self) -> Option<u64> {
        match self.minutes() {
            0 => None,
            minutes => Some(minutes as u64 * 60_000),
        }
    }

    /// The time in minutes, for a form's value and for the record; 0 is never.
    pub const fn minutes(self) -> u16 {
        match self {
            Self::Off => 0,
            Self::FiveMinutes => 5,
            Self::QuarterHour => 15,
            Self::OneHour => 60,
            Self::EightHours => 480,
        }
    }

    /// The choice of so many minutes.
    pub fn of_minutes(minutes: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.minutes() == minutes)
    }

    fn is_over(self, last_used_ms: u64, now_ms: u64) -> bool {
        self.after_ms().is_some_and(|after| now_ms.saturating_sub(last_used_ms) >= after)
    }
}

/// What was chosen on this device.
pub(super) async fn chosen(device: &impl Device) -> AutoLock {
    let record = device.read(CHOICE).await.ok().flatten();
    let minutes = record.and_then(|bytes| Some(u16::from_be_bytes(bytes.try_into().ok()?)));
    minutes.and_then(AutoLock::of_minutes).unwrap_or_default()
}

/// Keeps the choice.
pub(super) async fn choose(device: &impl Device, choice: AutoLock) -> Result<(), StoreUnavailable> {
    let bytes = choice.minutes().to_be_bytes().to_vec();
    device.write(vec![Change::Put { name: CHOICE.to_owned(), bytes }]).await
}

/// Whether the device was left alone for so long, before this page was opened, that it would have locked.
pub(super) async fn was_left(device: &impl Device, choice: AutoLock) -> bool {
    let record = device.read(LAST_USED).await.ok().flatten();
    let last_used = record.and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)));
    last_used.is_some_and(|last_used| choice.is_over(last_used, device.now_ms()))
}

/// Remembers that the device is used.
pub(super) async fn remember_use(device: &impl Device) {
    let bytes = device.now_ms().to_be_bytes().to_vec();
    // What cannot be kept locks earlier after the page was closed: no harm.
    let _ = device.write(vec![Change::Put { name: LAST_USED.to_owned(), bytes }]).await;
}

/// Watches whether an open page is used. Dropped, it ends.
///
/// Time is what the page's clock says, not what its timers count: a machine that slept for an hour was not used for an
/// hour. So it looks at the clock first, also when the first thing that happens afterwards is a touch.
pub(super) struct IdleWatch {
    watched: Rc<Watched>,
    _activity: Activity,
}

struct Watched {
    choice: Cell<AutoLock>,
    last_used_ms: Cell<u64>,
    told_ms: Cell<u64>,
    on_use: Box<dyn Fn()>,
    on_idle: Box<dyn Fn(AutoLock)>,
}

impl IdleWatch {
    /// Begins. `on_use` is called from time to time while the page is used, `on_idle` when it was left for too long.
    pub(super) fn start(
        choice: AutoLock,
        on_use: impl Fn() + 'static,
        on_idle: impl Fn(AutoLock) + 'static,
    ) -> Self {
        let watched = Rc::new(Watched {
            choice: Cell::new(choice),
            last_used_ms: Cell::new(browser::now_ms()),
            told_ms: Cell::new(0),
            on_use: Box::new(on_use),
            on_idle: Box::new(on_idle),
        });
        watched.used();
        let weak = Rc::downgrade(&watched);
        let touched = weak.clone();
        let activity = Activity::watch(move || {
            if let Some(watched) = touched.upgrade() {
                watched.used();
            }
        });
        spawn_local(async move {
            while let Some(watched) = weak.upgrade() {
                watched.look();
                drop(watched);
                browser::pause(LOOK_MS).await;
            }
        });
        Self { watched, _activity: activity }
    }

    /// Another choice holds from now on.
    pub(super) fn set_choice(&self, choice: AutoLock) {
        self.watched.last_used_ms.set(browser::now_ms());
        self.watched.choice.set(choice);
    }

    /// Another tab is used: that is as good as using this one.
    pub(super) fn used_elsewhere(&self) {
        if !self.watched.look() {
            self.watched.last_used_ms.set(browser::now_ms());
        }
    }
}

impl Watched {
    fn used(&self) {
        if self.look() || self.choice.get() == AutoLock::Off {
            return;
        }
        let now = browser::now_ms();
        self.last_used_ms.set(now);
        if now.saturating_sub(self.told_ms.get()) >= TELL_MS {
            self.told_ms.set(now);
            (self.on_use)();
        }
    }

    /// Locks when the time is over; whether it was.
    fn look(&self) -> bool {
        let choice = self.choice.get();
        let over = choice.is_over(self.last_used_ms.get(), browser::now_ms());
        if over {
            // Once is enough: the watch ends with the open account.
            self.choice.set(AutoLock::Off);
            (self.on_idle)(choice);
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_has_its_time_and_off_has_none() {
        for choice in AutoLock::ALL {
            assert_eq!(AutoLock::of_minutes(choice.minutes()), Some(choice));
            let after = choice.after_ms().unwrap_or(u64::MAX);
            assert!(!choice.is_over(1_000, 1_000 + after.saturating_sub(1_001)), "{choice:?}");
        }
        assert_eq!(AutoLock::default(), AutoLock::Off);
        assert_eq!(AutoLock::of_minutes(7), None);
        assert!(!AutoLock::Off.is_over(0, u64::MAX));
        assert!(AutoLock::FiveMinutes.is_over(0, 5 * 60_000));
        assert!(!AutoLock::FiveMinutes.is_over(0, 5 * 60_000 - 1));
        // A clock that was set back says nothing.
        assert!(!AutoLock::FiveMinutes.is_over(10 * 60_000, 0));
    }
}

//! The platform: what the pages need of the browser. On the server stands a twin that does nothing.

#[cfg(not(feature = "hydrate"))]
mod inert;
#[cfg(feature = "hydrate")]
mod live;

#[cfg(not(feature = "hydrate"))]
use inert as platform;
#[cfg(feature = "hydrate")]
use live as platform;

pub use platform::{
    Device, Events, SizeWatch, Tabs, copy, device_name, download, focus, mark_hydrated, moment, now_ms,
    pause, print, types_on_glass,
};

/// Whether what the device keeps outlasts the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// It does.
    Lasting,
    /// The browser gives no storage: closing the page forgets the outbox and the session.
    Fleeting,
}

/// What the stream of events says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It is open: something may have come while it was not.
    Opened,
    /// Something has come, or it is time to look.
    Grown,
    /// It broke off; it tries again by itself.
    Lost,
}

/// What one tab tells the others of the same browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TabNote {
    /// The device's records have changed.
    Changed,
    /// Somebody signed in or unlocked.
    SignedIn,
    /// The session is over.
    LoggedOut,
}

#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "there are no tabs on the server"))]
impl TabNote {
    fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::SignedIn => "signed in",
            Self::LoggedOut => "logged out",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Changed, Self::SignedIn, Self::LoggedOut].into_iter().find(|note| note.word() == word)
    }
}

/// A point in time as a person reads it, in the browser's zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The day, counted from 1970.
    pub day: i64,
    /// For the attribute `datetime`.
    pub iso: String,
    /// `14:05`.
    pub time: String,
    /// `3 Nov`.
    pub short_day: String,
    /// `Tue`.
    pub weekday: String,
    /// `Tuesday, 3 November 2026`.
    pub long_day: String,
}

//! The platform: what the pages need of the browser. On the server stands a twin that does nothing.

#[cfg(not(feature = "hydrate"))]
mod inert;
#[cfg(feature = "hydrate")]
mod live;

#[cfg(not(feature = "hydrate"))]
use inert as platform;
#[cfg(feature = "hydrate")]
use live as platform;

use protocol::{Username, id::AccountId};

pub use platform::{
    Activity, Device, Events, SizeWatch, Tabs, copy, device_name, download, focus, fragment, mark_hydrated,
    moment, now_ms, pause, print, take_fragment, types_on_glass,
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
    /// A session of the account began or ended.
    Sessions,
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
    /// The page was locked: all of them are.
    Locked,
    /// Somebody uses the page.
    Used,
    /// Another pause was chosen after which pages lock.
    AutoLock,
}

#[cfg_attr(not(feature = "hydrate"), expect(dead_code, reason = "there are no tabs on the server"))]
impl TabNote {
    const ALL: [Self; 6] =
        [Self::Changed, Self::SignedIn, Self::LoggedOut, Self::Locked, Self::Used, Self::AutoLock];

    fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::SignedIn => "signed in",
            Self::LoggedOut => "logged out",
            Self::Locked => "locked",
            Self::Used => "used",
            Self::AutoLock => "auto-lock",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|note| note.word() == word)
    }
}

/// Who was signed in when this browser was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The name.
    pub username: Username,
    /// The account; `None` when an earlier version kept it.
    pub account: Option<AccountId>,
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

//! The signs on buttons and beside texts, drawn on a grid of 24.

use leptos::prelude::*;

/// Which sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A closed lock.
    Seal,
    /// A screen and a phone.
    Devices,
    /// Two people.
    People,
    /// A pen: write a new message.
    Pen,
    /// An arrow to the left.
    Back,
    /// An arrow down.
    Down,
    /// A paper plane.
    Send,
    /// A triangle with a mark.
    Warning,
    /// A cross.
    Close,
    /// A clock: it waits.
    Waiting,
    /// A tick: it arrived at the server.
    Done,
    /// A magnifying glass.
    Search,
    /// An open eye: shown.
    Eye,
    /// One person.
    Person,
    /// A phone.
    Phone,
    /// A tray with an arrow into it: to take away.
    Save,
    /// An hourglass: it disappears.
    Timer,
    /// A bin.
    Bin,
}

impl Sign {
    fn outline(self) -> &'static str {
        match self {
            Self::Seal => {
                "M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1 1 0 0 1 1 1v7a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1Zm6 4v2"
            }
            Self::Devices => {
                "M13 18H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1h14a1 1 0 0 1 1 1v2M8 21h5M16 11h4a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1h-4a1 1 0 0 1-1-1v-8a1 1 0 0 1 1-1Z"
            }
            Self::People => {
                "M9 12a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6 8a6 6 0 0 1 12 0M16 5.3a3.5 3.5 0 0 1 0 6.4M18 14.8a6 6 0 0 1 3 5.2"
            }
            Self::Pen => "M4 20l1-4L16.5 4.5a1.4 1.4 0 0 1 2 0l1 1a1.4 1.4 0 0 1 0 2L8 19l-4 1ZM14 7l3 3",
            Self::Back => "M15 5l-7 7 7 7",
            Self::Down => "M12 5v14M6 13l6 6 6-6",
            Self::Send => "M4 12l16-8-5 16-3.5-6.5L4 12Zm7.5 1.5L20 4",
            Self::Warning => "M12 4 2.8 19.5h18.4L12 4Zm0 6v4.5M12 17v.010",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Waiting => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm0-14v5l3 2",
            Self::Done => "M5 12.5l4.5 4.5L19 7.5",
            Self::Search => "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4.5 4.5",
            Self::Person => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8.5a7.5 7.5 0 0 1 15 0",
            Self::Phone => "M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1Zm3 15h2",
            Self::Save => "M12 4v11M7 10.5l5 5 5-5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
            Self::Timer => {
                "M7 3h10M7 21h10M8 3v3.5c0 2 4 3.5 4 5.5s-4 3.500-4 5.500V21M16 3v3.5c0 2-4 3.5-4 5.5s4 3.500 4 5.500V21"
            }
            Self::Bin => "M5 7h14M10 7V4h4v3M7 7l.8 13h8.400L17 7M10.500 11v5M13.500 11v5",
            Self::Eye => {
                "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z"
            }
        }
    }
}

/// A sign. It says nothing to screen readers: what it stands on carries the words.
#[component]
pub fn Icon(
    /// Which one.
    sign: Sign,
) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=sign.outline() />
        </svg>
    }
}

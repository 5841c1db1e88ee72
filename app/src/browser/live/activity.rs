//! Notices that somebody uses the page.

use super::{document, listening::Listening};

/// What a person does with a page. Looking at it again counts as well: it is the first that happens after a sleep.
const SIGNS: [&str; 6] = ["keydown", "pointerdown", "pointermove", "touchmove", "wheel", "visibilitychange"];

/// Dropped, it looks away.
pub struct Activity {
    _noticed: Vec<Listening>,
}

impl Activity {
    /// Begins to watch.
    pub fn watch(noticed: impl Fn() + Clone + 'static) -> Self {
        let signs = SIGNS.into_iter();
        Self { _noticed: signs.map(|sign| Listening::to(document().into(), sign, noticed.clone())).collect() }
    }
}

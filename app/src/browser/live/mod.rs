//! The real browser.

use leptos::prelude::document;

/// Says on the document that the page is live.
pub fn mark_hydrated() {
    if let Some(body) = document().body() {
        // Fails only for a malformed name.
        let _ = body.set_attribute("data-hydrated", "");
    }
}

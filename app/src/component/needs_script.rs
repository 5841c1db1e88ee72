//! What a browser without scripts is told.

use leptos::prelude::*;

/// Messages are sealed and opened by the page itself: without scripts nothing works, and nothing is sent.
#[component]
pub fn NeedsScript() -> impl IntoView {
    view! {
        <noscript>
            <p class="notice notice-danger">
                "Your browser does not run scripts here. Your messages are sealed and opened by this page, \
                 so it cannot work without them: allow scripts for this site, then load the page again."
            </p>
        </noscript>
    }
}

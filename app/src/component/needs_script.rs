//! What a browser without scripts is told.

use leptos::prelude::*;

/// Messages are sealed and opened by the page itself: without scripts nothing works, and nothing is sent. The style
/// shows it only where scripts do not run: inside of `noscript`, a browser that does run them would see other nodes
/// than the server wrote.
#[component]
pub fn NeedsScript() -> impl IntoView {
    view! {
        <p class="needs-script notice notice-danger">
            "Your browser does not run scripts here. Your messages are sealed and opened by this page, \
             so it cannot work without them: allow scripts for this site, then load the page again."
        </p>
    }
}

//! What stands where messages will be.

use leptos::prelude::*;

/// Says that something is coming, or that it has to wait.
#[component]
pub fn Opening(
    /// Whether the server does not answer.
    #[prop(into)]
    out_of_reach: Signal<bool>,
    /// What is coming.
    #[prop(default = "your messages")]
    what: &'static str,
) -> impl IntoView {
    view! {
        <div class="opening" role="status">
            <span class="opening-mark" aria-hidden="true"></span>
            <p>
                {move || {
                    if out_of_reach.get() {
                        "The server cannot be reached. Your messages are safe: this page tries again by itself.".to_owned()
                    } else {
                        format!("Opening {what}…")
                    }
                }}
            </p>
        </div>
    }
}

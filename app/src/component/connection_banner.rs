//! The server cannot be reached.

use core::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};

use super::icon::{Icon, Sign};
use crate::state::courier::Link;

/// Short interruptions are nobody's business.
const PATIENCE: Duration = Duration::from_secs(3);

/// Says so when it lasts, and what still works.
#[component]
pub fn ConnectionBanner(
    /// Whether the server is reached.
    link: ReadSignal<Link>,
) -> impl IntoView {
    let lasting = RwSignal::new(false);
    Effect::new(move |earlier: Option<Option<TimeoutHandle>>| {
        if let Some(Some(timer)) = earlier {
            timer.clear();
        }
        match link.get() {
            Link::Up => {
                lasting.set(false);
                None
            }
            Link::Down => set_timeout_with_handle(move || lasting.set(true), PATIENCE).ok(),
        }
    });
    view! {
        <div role="status" class="connection-banner-place">
            <Show when=move || lasting.get()>
                <p class="connection-banner row">
                    <Icon sign=Sign::Warning />
                    <span>
                        "No connection to the server. You can read and write: what you write is kept here \
                         and sent as soon as the connection is back."
                    </span>
                </p>
            </Show>
        </div>
    }
}

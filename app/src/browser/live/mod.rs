//! The real browser.

mod activity;
mod address;
mod clock;
mod device;
mod events;
mod idb_request;
mod listening;
mod page;
mod records;
mod size_watch;
mod tabs;
mod unlock;
mod web_crypto;

use core::time::Duration;

use leptos::prelude::{document, set_timeout, window};

pub use activity::Activity;
pub use address::{fragment, take_fragment};
pub use clock::{moment, now_ms};
pub use device::Device;
pub use events::Events;
pub use page::{copy, device_name, download, focus, mark_hydrated, print, types_on_glass};
pub use size_watch::SizeWatch;
pub use tabs::Tabs;

/// Waits, and lets the page work meanwhile.
pub async fn pause(milliseconds: u32) {
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        let wake = move || {
            // A resolve function does not throw.
            let _ = resolve.call0(&wasm_bindgen::JsValue::UNDEFINED);
        };
        set_timeout(wake, Duration::from_millis(milliseconds.into()));
    });
    // This promise is never rejected.
    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
}

/// Between the half and the whole of a pause: so that after a server's restart not all come at once.
fn jitter(milliseconds: u32) -> Duration {
    Duration::from_secs_f64(f64::from(milliseconds) / 1000.0 * (0.5 + js_sys::Math::random() / 2.0))
}

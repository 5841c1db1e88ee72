//! Event listeners that end with their value.

use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::EventTarget;

/// An event listener that ends with its value.
pub(super) struct Listening {
    target: EventTarget,
    event: &'static str,
    heard: Closure<dyn Fn()>,
}

impl Listening {
    pub(super) fn to(target: EventTarget, event: &'static str, heard: impl Fn() + 'static) -> Self {
        let heard = Closure::<dyn Fn()>::new(heard);
        // Fails only for a target that is gone; then there is nothing to hear.
        let _ = target.add_event_listener_with_callback(event, heard.as_ref().unchecked_ref());
        Self { target, event, heard }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ =
            self.target.remove_event_listener_with_callback(self.event, self.heard.as_ref().unchecked_ref());
    }
}

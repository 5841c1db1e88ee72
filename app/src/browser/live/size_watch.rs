//! Notices when an element gets another size.

use leptos::web_sys::Element;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::ResizeObserver;

/// Dropped, it looks away.
pub struct SizeWatch {
    observer: Option<ResizeObserver>,
    _noticed: Closure<dyn Fn()>,
}

impl SizeWatch {
    /// Begins to watch.
    pub fn new(element: &Element, noticed: impl Fn() + 'static) -> Self {
        let noticed = Closure::<dyn Fn()>::new(noticed);
        let observer = ResizeObserver::new(noticed.as_ref().unchecked_ref()).ok();
        if let Some(observer) = &observer {
            observer.observe(element);
        }
        Self { observer, _noticed: noticed }
    }
}

impl Drop for SizeWatch {
    fn drop(&mut self) {
        if let Some(observer) = &self.observer {
            observer.disconnect();
        }
    }
}

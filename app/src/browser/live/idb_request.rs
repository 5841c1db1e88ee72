//! Requests and transactions of IndexedDB, awaited.

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbRequest, IdbTransaction};

/// Awaits what IndexedDB tells through events.
pub(super) trait IdbRequestDone {
    /// The result, or an error whose cause does not matter: the store cannot be used.
    async fn done(&self) -> Result<JsValue, JsValue>;
}

impl IdbRequestDone for IdbRequest {
    async fn done(&self) -> Result<JsValue, JsValue> {
        let promise = Promise::new(&mut |resolve, reject| {
            let request = self.clone();
            let succeeded = Closure::once_into_js(move || {
                let result = request.result().unwrap_or(JsValue::UNDEFINED);
                // A resolve function does not throw.
                let _ = resolve.call1(&JsValue::UNDEFINED, &result);
            });
            self.set_onsuccess(Some(succeeded.unchecked_ref()));
            self.set_onerror(Some(&reject));
        });
        JsFuture::from(promise).await
    }
}

impl IdbRequestDone for IdbTransaction {
    async fn done(&self) -> Result<JsValue, JsValue> {
        let promise = Promise::new(&mut |resolve, reject| {
            self.set_oncomplete(Some(&resolve));
            self.set_onerror(Some(&reject));
            self.set_onabort(Some(&reject));
        });
        JsFuture::from(promise).await
    }
}

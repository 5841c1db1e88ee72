//! The engine's port on a browser.

use std::sync::Arc;

use client::{CallError, StoreUnavailable, device::Change};
use crypto::kdf::{KdfParams, StretchedPassword};
use gloo_net::http::Request;
use protocol::{Call, Refusal};
use web_sys::{AbortSignal, RequestCredentials};

use super::{pause, records::Records, web_crypto};
use crate::browser::Storage;

/// After so long an answer is not waited for any more; the same request can be made again.
const PATIENCE_MS: u32 = 30_000;

/// This browser.
pub struct Device {
    records: Records,
}

impl Device {
    /// Opens what the browser keeps for the page.
    #[expect(
        clippy::arc_with_non_send_sync,
        reason = "the engine shares its device so; the page has one thread"
    )]
    pub async fn open() -> Arc<Self> {
        Arc::new(Self { records: Records::open().await })
    }

    /// Whether what is kept here outlasts the page.
    pub fn storage(&self) -> Storage {
        match self.records {
            Records::Lasting(_) => Storage::Lasting,
            Records::Fleeting(_) => Storage::Fleeting,
        }
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }
}

impl client::Device for Device {
    async fn call<C: Call>(&self, request: C) -> Result<C::Answer, CallError> {
        let body = serde_json::to_string(&request).expect("requests are plain structs");
        let (status, text) = post(C::PATH, body).await?;
        if status == 200 {
            return serde_json::from_str(&text).map_err(|error| CallError::BadAnswer(error.to_string()));
        }
        // A proxy in between answers with a page of its own: the server was not reached.
        Err(serde_json::from_str::<Refusal>(&text).map_or(CallError::Unreachable, CallError::Refused))
    }

    async fn stretch(&self, params: &KdfParams, password: &str) -> StretchedPassword {
        if let Some(subtle) = web_crypto::subtle()
            && let Ok(stretched) = web_crypto::stretch(&subtle, params, password).await
        {
            return stretched;
        }
        // Half a second of work: let the page show first that it has begun.
        pause(50).await;
        params.stretch(password)
    }

    async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.records.read(name).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        self.records.scan(prefix).await
    }

    async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        self.records.write(changes).await
    }

    async fn put_if_absent(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        self.records.put_if_absent(name, bytes).await
    }

    async fn breathe(&self) {
        pause(0).await;
    }

    #[expect(clippy::disallowed_methods, reason = "this is the engine's clock in the browser")]
    fn now_ms(&self) -> u64 {
        js_sys::Date::now() as u64
    }

    #[expect(clippy::disallowed_methods, reason = "this is the engine's randomness in the browser")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("every browser that runs WebAssembly has crypto.getRandomValues");
    }
}

/// Not generic, so that it is compiled once for all calls.
async fn post(path: &str, body: String) -> Result<(u16, String), CallError> {
    let unreachable = |_| CallError::Unreachable;
    let response = Request::post(path)
        .credentials(RequestCredentials::SameOrigin)
        .abort_signal(Some(&AbortSignal::timeout_with_u32(PATIENCE_MS)))
        .header("content-type", "application/json")
        .body(body)
        .map_err(unreachable)?
        .send()
        .await
        .map_err(unreachable)?;
    let text = response.text().await.map_err(unreachable)?;
    Ok((response.status(), text))
}

//! The WebAssembly entry: hydrates the app.
#![cfg(target_arch = "wasm32")]

//! The twin on the server: the same names, and nothing happens. Pages are rendered there before anything is known of
//! the person who looks at them, so none of this is ever asked.

use std::sync::Arc;

use client::{CallError, StoreUnavailable, device::Change};
use crypto::{
    account_key::AccountKey,
    kdf::{KdfParams, StretchedPassword},
};
use protocol::{Call, Username, account::SignedIn};
use zeroize::Zeroizing;

use super::{Moment, Push, Remembered, Storage, TabNote};

/// No device.
pub struct Device(());

impl Device {
    /// See the real one.
    pub async fn open() -> Arc<Self> {
        Arc::new(Self(()))
    }

    /// See the real one.
    pub fn storage(&self) -> Storage {
        Storage::Fleeting
    }

    /// See the real one.
    pub async fn remembered(&self) -> Option<Remembered> {
        None
    }

    /// See the real one.
    pub async fn keep_unlocked(&self, _session: &SignedIn, _key: &AccountKey) {}

    /// See the real one.
    pub async fn unlock(&self, _session: &SignedIn) -> Option<AccountKey> {
        None
    }

    /// See the real one.
    pub async fn forget_key(&self, _of: &Username) {}

    /// See the real one.
    pub async fn forget_unlocked(&self, _of: &Username) {}
}

impl client::Device for Device {
    async fn call<C: Call>(&self, _request: C) -> Result<C::Answer, CallError> {
        Err(CallError::Unreachable)
    }

    async fn stretch(&self, params: &KdfParams, password: &str) -> StretchedPassword {
        params.stretch(password)
    }

    async fn read(&self, _name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    async fn scan(&self, _prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    async fn write(&self, _changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        Err(StoreUnavailable)
    }

    async fn put_if_absent(&self, _name: &str, _bytes: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        Err(StoreUnavailable)
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn fill(&self, _bytes: &mut [u8]) {
        unreachable!("no key is ever made in a page on the server");
    }
}

/// No events.
pub struct Events(());

impl Events {
    /// See the real one.
    pub fn listen(_listener: impl Fn(Push) + 'static) -> Self {
        Self(())
    }
}

/// Nobody uses a page on the server.
pub struct Activity(());

impl Activity {
    /// See the real one.
    pub fn watch(_noticed: impl Fn() + Clone + 'static) -> Self {
        Self(())
    }
}

/// See the real one.
pub fn fragment(_name: &str) -> Option<Zeroizing<String>> {
    None
}

/// See the real one.
pub fn take_fragment(_name: &str) -> Option<Zeroizing<String>> {
    None
}

/// No other tabs.
pub struct Tabs(());

impl Tabs {
    /// See the real one.
    pub fn listen(_listener: impl Fn(TabNote) + 'static) -> Self {
        Self(())
    }

    /// See the real one.
    pub fn tell(&self, _note: TabNote) {}
}

/// Nothing is drawn here, so nothing gets another size.
pub struct SizeWatch(());

impl SizeWatch {
    /// See the real one.
    pub fn new(_element: &leptos::web_sys::Element, _noticed: impl Fn() + 'static) -> Self {
        Self(())
    }
}

/// See the real one.
pub async fn pause(_milliseconds: u32) {}

/// See the real one.
pub fn now_ms() -> u64 {
    0
}

/// See the real one.
pub fn moment(_at_ms: u64) -> Moment {
    Moment::default()
}

/// See the real one.
pub async fn copy(_text: &str) -> bool {
    false
}

/// See the real one.
pub fn download(_file_name: &str, _media_type: &str, _bytes: &[u8]) -> bool {
    false
}

/// See the real one.
pub fn print() {}

/// See the real one.
pub fn focus(_id: &str) {}

/// See the real one.
pub fn device_name() -> String {
    String::new()
}

/// See the real one.
pub fn mark_hydrated() {}

/// See the real one.
pub fn types_on_glass() -> bool {
    false
}

//! The other tabs of this browser.

use js_sys::JsString;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{BroadcastChannel, MessageEvent};

use crate::browser::TabNote;

const NAME: &str = "secure-messaging";

/// What tabs tell each other. Dropped, it falls silent.
pub struct Tabs {
    channel: Option<BroadcastChannel>,
    _heard: Closure<dyn Fn(MessageEvent)>,
}

impl Tabs {
    /// Begins to listen.
    pub fn listen(listener: impl Fn(TabNote) + 'static) -> Self {
        let heard = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(note) = event.data().as_string().and_then(|word| TabNote::from_word(&word)) {
                listener(note);
            }
        });
        let channel = BroadcastChannel::new(NAME).ok();
        if let Some(channel) = &channel {
            channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        }
        Self { channel, _heard: heard }
    }

    /// Tells the others.
    pub fn tell(&self, note: TabNote) {
        if let Some(channel) = &self.channel {
            // Fails only after the channel was closed.
            let _ = channel.post_message(&JsValue::from(JsString::from(note.word())));
        }
    }
}

impl Drop for Tabs {
    fn drop(&mut self) {
        if let Some(channel) = &self.channel {
            channel.close();
        }
    }
}

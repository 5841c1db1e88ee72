//! The server's events, and what else says that it is time to look: the network is back, the page is seen again.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::set_timeout_with_handle};
use protocol::{call::EVENTS_PATH, mailbox::MAILBOX_EVENT, session::SESSIONS_EVENT};
use web_sys::{EventSource, EventTarget};

use super::{document, jitter, listening::Listening, window};
use crate::browser::Push;

const FIRST_PAUSE_MS: u32 = 500;
const LONGEST_PAUSE_MS: u32 = 15_000;

/// An open stream of events; reconnects by itself, ever less often. Dropped, it ends.
pub struct Events {
    inner: Rc<Inner>,
}

struct Inner {
    listener: Box<dyn Fn(Push)>,
    stream: RefCell<Option<EventSource>>,
    /// What is heard of the stream.
    heard: RefCell<Vec<Listening>>,
    /// What is heard of the page.
    noticed: RefCell<Vec<Listening>>,
    retry: RefCell<Option<TimeoutHandle>>,
    pause_ms: Cell<u32>,
}

impl Events {
    /// Begins to listen.
    pub fn listen(listener: impl Fn(Push) + 'static) -> Self {
        let inner = Rc::new(Inner {
            listener: Box::new(listener),
            stream: RefCell::default(),
            heard: RefCell::default(),
            noticed: RefCell::default(),
            retry: RefCell::default(),
            pause_ms: Cell::new(FIRST_PAUSE_MS),
        });
        let again = |inner: &Rc<Inner>| {
            let weak = Rc::downgrade(inner);
            move || {
                if let Some(inner) = weak.upgrade() {
                    inner.look_again();
                }
            }
        };
        *inner.noticed.borrow_mut() = vec![
            Listening::to(window().into(), "online", again(&inner)),
            Listening::to(document().into(), "visibilitychange", again(&inner)),
        ];
        inner.connect();
        Self { inner }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.inner.close();
        self.inner.noticed.borrow_mut().clear();
        self.inner.heard.borrow_mut().clear();
    }
}

impl Inner {
    fn connect(self: &Rc<Self>) {
        self.close();
        let Ok(stream) = EventSource::new(EVENTS_PATH) else {
            return self.connect_later();
        };
        let told = |push: Push, weak: Weak<Self>| {
            move || {
                if let Some(inner) = weak.upgrade() {
                    inner.pause_ms.set(FIRST_PAUSE_MS);
                    (inner.listener)(push);
                }
            }
        };
        let weak = Rc::downgrade(self);
        let lost = move || {
            if let Some(inner) = weak.upgrade() {
                inner.close();
                (inner.listener)(Push::Lost);
                inner.connect_later();
            }
        };
        let target: EventTarget = stream.clone().into();
        *self.heard.borrow_mut() = vec![
            Listening::to(target.clone(), "open", told(Push::Opened, Rc::downgrade(self))),
            Listening::to(target.clone(), MAILBOX_EVENT, told(Push::Grown, Rc::downgrade(self))),
            Listening::to(target.clone(), SESSIONS_EVENT, told(Push::Sessions, Rc::downgrade(self))),
            Listening::to(target, "error", lost),
        ];
        *self.stream.borrow_mut() = Some(stream);
    }

    fn connect_later(self: &Rc<Self>) {
        let pause = self.pause_ms.get();
        self.pause_ms.set((pause * 2).min(LONGEST_PAUSE_MS));
        let weak = Rc::downgrade(self);
        let connect = move || {
            if let Some(inner) = weak.upgrade() {
                inner.connect();
            }
        };
        let handle = set_timeout_with_handle(connect, jitter(pause)).ok();
        if let Some(earlier) = self.retry.replace(handle) {
            earlier.clear();
        }
    }

    /// The network may be back, or the machine was asleep: do not wait for the next try.
    fn look_again(self: &Rc<Self>) {
        if document().hidden() {
            return;
        }
        if self.stream.borrow().is_none() {
            self.pause_ms.set(FIRST_PAUSE_MS);
            self.connect();
        } else {
            (self.listener)(Push::Grown);
        }
    }

    fn close(&self) {
        if let Some(stream) = self.stream.take() {
            stream.close();
        }
        if let Some(retry) = self.retry.take() {
            retry.clear();
        }
    }
}

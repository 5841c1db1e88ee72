//! What was written into a composer and not sent: sealed on this device, so that a reload does not lose it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use client::{
    Account, Device as _,
    device::{Change, DeviceRng},
};
use leptos::task::spawn_local;
use protocol::id::{AccountId, ConversationId};
use zeroize::Zeroizing;

use super::session::Session;
use crate::browser::{self, Device};

/// While somebody types, it is written down so often.
const PAUSE_MS: u32 = 300;

/// The draft of one conversation, as long as its composer is on the page.
pub struct DraftKeeper {
    session: Session,
    account: Account<Device>,
    name: String,
    newest: RefCell<Zeroizing<String>>,
    kept: RefCell<Zeroizing<String>>,
    writing: Cell<bool>,
}

impl DraftKeeper {
    /// For this conversation's composer.
    pub fn new(session: Session, account: Account<Device>, conversation: ConversationId) -> Rc<Self> {
        Rc::new(Self {
            session,
            name: record(account.me().account, conversation),
            account,
            newest: RefCell::default(),
            kept: RefCell::default(),
            writing: Cell::new(false),
        })
    }

    /// What was kept; empty when there is nothing.
    pub async fn recall(&self) -> Zeroizing<String> {
        let text = self.read().await.unwrap_or_default();
        self.newest.replace(text.clone());
        self.kept.replace(text.clone());
        text
    }

    /// Keeps what is being written, at the latest after a blink. Nothing is kept of an empty one, at once.
    pub fn keep(self: &Rc<Self>, text: &str) {
        self.newest.replace(Zeroizing::new(text.to_owned()));
        if text.is_empty() {
            return self.flush();
        }
        if self.writing.replace(true) {
            return;
        }
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            while let Some(keeper) = weak.upgrade() {
                if !keeper.is_due() {
                    return keeper.writing.set(false);
                }
                keeper.write().await;
                drop(keeper);
                browser::pause(PAUSE_MS).await;
            }
        });
    }

    /// Writes what is not written yet, without waiting: the composer leaves the page.
    pub fn flush(self: &Rc<Self>) {
        if self.is_due() {
            let keeper = Rc::clone(self);
            spawn_local(async move { keeper.write().await });
        }
    }

    /// An account that was logged out or locked meanwhile writes nothing any more.
    fn is_due(&self) -> bool {
        self.newest != self.kept && self.session.has_open(self.account.me().account)
    }

    async fn read(&self) -> Option<Zeroizing<String>> {
        let device = self.session.opened_device().ok()?;
        let sealed = device.read(&self.name).await.ok()??;
        let opened = self.account.account_key().cache_key().open(self.name.as_bytes(), &sealed).ok()?;
        core::str::from_utf8(&opened).ok().map(|text| Zeroizing::new(text.to_owned()))
    }

    async fn write(&self) {
        let Ok(device) = self.session.opened_device() else { return };
        let text = self.newest.borrow().clone();
        let name = self.name.clone();
        let change = if text.is_empty() {
            Change::Remove { name }
        } else {
            let key = self.account.account_key().cache_key();
            let bytes = key.seal(name.as_bytes(), text.as_bytes(), &mut DeviceRng(&*device));
            Change::Put { name, bytes }
        };
        self.kept.replace(text);
        // What cannot be kept now is kept with the next letter.
        let _ = device.write(vec![change]).await;
    }
}

fn record(account: AccountId, conversation: ConversationId) -> String {
    format!("{account}/composer/{conversation}")
}

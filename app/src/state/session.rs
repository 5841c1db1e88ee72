//! Who is signed in.

use std::{rc::Rc, sync::Arc};

use client::{Account, ConversationSummary, Interruption};
use crypto::recovery::RecoveryKey;
use leptos::prelude::*;
use protocol::{Username, id::AccountId, session::SessionInfo};
use send_wrapper::SendWrapper;

use super::{
    auto_lock::{AutoLock, IdleWatch},
    courier::{Courier, Link},
};
use crate::browser::{Device, Storage, TabNote, Tabs};

/// An open account. It lives on the page's one thread.
pub type OpenAccount = SendWrapper<Account<Device>>;

/// Who is signed in, and whether the account is open on this page.
#[derive(Clone)]
pub enum Standing {
    /// Not known yet. The server renders every page so.
    Starting,
    /// Nobody.
    SignedOut,
    /// Somebody was: the password is asked for again.
    Locked {
        /// Who.
        username: Username,
        /// What happened, where it needs saying.
        reason: Option<LockReason>,
    },
    /// Somebody is, but the server does not answer; it is asked again by and by.
    OutOfReach,
    /// Somebody is, and the account is open.
    Open(OpenAccount),
}

/// Why a page was locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockReason {
    /// The session was ended: elsewhere, or by time.
    SessionEnded,
    /// Nobody used it.
    Idle(AutoLock),
    /// Another account signed in, in the same browser.
    AnotherAccount,
}

impl LockReason {
    /// In words.
    pub fn text(self) -> String {
        match self {
            Self::SessionEnded => "Your session has ended. Sign in again: nothing was lost.".to_owned(),
            Self::Idle(choice) => {
                format!("Locked {} without use.", choice.label().to_lowercase())
            }
            Self::AnotherAccount => {
                "Another account signed in, in this browser. Enter your password to go on with this one."
                    .to_owned()
            }
        }
    }
}

/// The state of the whole page; copies are the same state. How it changes stands beside: [`super::entry`],
/// [`super::locking`], [`super::new_sessions`].
#[derive(Clone, Copy)]
pub struct Session {
    pub(super) standing: RwSignal<Standing>,
    /// Counted up when the open account has something new to show.
    pub(super) shown: RwSignal<u64>,
    conversations: Memo<Vec<ConversationSummary>>,
    pub(super) link: RwSignal<Link>,
    pub(super) notice: RwSignal<Option<String>>,
    pub(super) recovery_key: RwSignal<Option<RecoveryKey>>,
    pub(super) new_sessions: RwSignal<Vec<SessionInfo>>,
    pub(super) auto_lock: RwSignal<AutoLock>,
    pub(super) storage: RwSignal<Storage>,
    wanted: StoredValue<Option<String>>,
    pub(super) ready: RwSignal<bool>,
    pub(super) platform: StoredValue<Option<SendWrapper<Platform>>>,
}

#[derive(Clone)]
pub(super) struct Platform {
    pub(super) device: Arc<Device>,
    pub(super) tabs: Rc<Tabs>,
    pub(super) courier: Option<Rc<Courier>>,
    pub(super) idle_watch: Option<Rc<IdleWatch>>,
}

impl Session {
    /// The state of a page that has just been opened.
    pub fn new() -> Self {
        let standing = RwSignal::new(Standing::Starting);
        let shown = RwSignal::new(0);
        let conversations = Memo::new(move |_| {
            shown.track();
            standing.with(|standing| match standing {
                Standing::Open(account) => account.conversations(),
                _ => Vec::new(),
            })
        });
        Self {
            standing,
            shown,
            conversations,
            link: RwSignal::new(Link::Up),
            notice: RwSignal::new(None),
            recovery_key: RwSignal::new(None),
            new_sessions: RwSignal::new(Vec::new()),
            auto_lock: RwSignal::new(AutoLock::default()),
            storage: RwSignal::new(Storage::Lasting),
            wanted: StoredValue::default(),
            ready: RwSignal::new(false),
            platform: StoredValue::new(None),
        }
    }

    /// This browser; `None` until it was looked at, right after the page came alive.
    pub fn device(self) -> Option<Arc<Device>> {
        self.ready.track();
        self.platform().map(|platform| platform.device)
    }

    /// Who is signed in.
    pub fn standing(self) -> Standing {
        self.standing.get()
    }

    /// The open account.
    pub fn account(self) -> Option<OpenAccount> {
        match self.standing.get() {
            Standing::Open(account) => Some(account),
            _ => None,
        }
    }

    /// Whether an account is open, without becoming stale when only its content changes.
    pub fn is_open(self) -> bool {
        self.standing.with(|standing| matches!(standing, Standing::Open(_)))
    }

    /// Whether this account is the open one; asked without following it.
    pub fn has_open(self, account: AccountId) -> bool {
        self.standing_account().is_some_and(|open| open.me().account == account)
    }

    /// Makes the caller run again when there is something new to show.
    pub fn track_content(self) {
        self.shown.track();
    }

    /// The conversations of the open account, newest first.
    pub fn conversations(self) -> Memo<Vec<ConversationSummary>> {
        self.conversations
    }

    /// All messages that wait to be read.
    pub fn unread(self) -> usize {
        self.conversations.with(|conversations| conversations.iter().map(|one| one.unread).sum())
    }

    /// Whether the server is reached.
    pub fn link(self) -> ReadSignal<Link> {
        self.link.read_only()
    }

    /// Something that went wrong in the background, in words.
    pub fn notice(self) -> RwSignal<Option<String>> {
        self.notice
    }

    /// The recovery key that its owner has yet to keep.
    pub fn recovery_key(self) -> ReadSignal<Option<RecoveryKey>> {
        self.recovery_key.read_only()
    }

    /// Whether what this device keeps outlasts the page.
    pub fn storage(self) -> ReadSignal<Storage> {
        self.storage.read_only()
    }

    /// Remembers which page was asked for by somebody who has to sign in first.
    pub fn want(self, path: String) {
        self.wanted.set_value(Some(path));
    }

    /// Where to go after signing in.
    pub fn take_wanted(self) -> String {
        self.wanted.try_update_value(Option::take).flatten().unwrap_or_else(|| "/inbox".to_owned())
    }

    /// Sends what is queued.
    pub fn deliver(self) {
        if let Some(courier) = self.platform().and_then(|platform| platform.courier) {
            courier.deliver();
        }
        self.tell(TabNote::Changed);
    }

    /// Tells the other tabs that the device's records have changed.
    pub fn tell_others(self) {
        self.tell(TabNote::Changed);
    }

    pub(super) fn set_link(self, link: Link) {
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }

    pub(super) fn tell(self, note: TabNote) {
        if let Some(platform) = self.platform() {
            platform.tabs.tell(note);
        }
    }

    pub(super) fn standing_account(self) -> Option<OpenAccount> {
        match self.standing.get_untracked() {
            Standing::Open(account) => Some(account),
            _ => None,
        }
    }

    pub(super) fn opened_device(self) -> Result<Arc<Device>, Interruption> {
        self.platform().map(|platform| platform.device).ok_or(Interruption::Device(client::StoreUnavailable))
    }

    pub(super) fn platform(self) -> Option<Platform> {
        self.platform.with_value(|platform| platform.as_deref().cloned())
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

/// The page's state.
///
/// # Panics
/// Outside of [`App`](crate::App).
pub fn use_session() -> Session {
    expect_context()
}

//! Keeps the open account and the server in step: fetches when something has come, sends what is queued, and tries
//! again, ever less often, when the server cannot be reached. What is due by time is done by time: keys are looked after,
//! and messages disappear.

use std::{
    cell::Cell,
    rc::{Rc, Weak},
};

use client::{Account, Interruption, SyncError};
use leptos::{prelude::Set, task::spawn_local};

use super::session::{LockReason, Session};
use crate::browser::{self, Device, Events, Push};

const FIRST_PAUSE_MS: u32 = 1_000;
const LONGEST_PAUSE_MS: u32 = 30_000;
/// After the page has shown what there is: what is due can wait so long.
const FIRST_UPKEEP_MS: u32 = 1_500;
/// How often it is looked whether something is due: every hour.
const UPKEEP_MS: u32 = 10 * 60 * 1_000;
/// The longest that is slept at once until a message disappears: a machine that was asleep notices soon after.
const LONGEST_NAP_MS: u64 = 30_000;

/// Whether the server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is.
    Up,
    /// It is not; nothing is lost, it is tried again.
    Down,
}

/// Dropped, it stops.
pub(super) struct Courier {
    account: Account<Device>,
    session: Session,
    fetching: Round,
    sending: Round,
    waiting: Cell<bool>,
    /// When it is next looked whether a message has disappeared.
    looks_at_ms: Cell<Option<u64>>,
    pause_ms: Cell<u32>,
    _events: Events,
}

/// Work that is done once at a time, and once more if it was asked for meanwhile.
#[derive(Default)]
struct Round {
    running: Cell<bool>,
    again: Cell<bool>,
}

impl Courier {
    pub(super) fn start(account: Account<Device>, session: Session) -> Rc<Self> {
        let courier = Rc::new_cyclic(|weak: &Weak<Self>| {
            let weak = weak.clone();
            let events = Events::listen(move |push| {
                if let Some(courier) = weak.upgrade() {
                    courier.hear(push);
                }
            });
            Self {
                account,
                session,
                fetching: Round::default(),
                sending: Round::default(),
                waiting: Cell::new(false),
                looks_at_ms: Cell::new(None),
                pause_ms: Cell::new(FIRST_PAUSE_MS),
                _events: events,
            }
        });
        courier.look_after_keys();
        courier.watch_timers();
        courier
    }

    /// Now and every ten minutes, as long as the account is open.
    fn look_after_keys(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            browser::pause(FIRST_UPKEEP_MS).await;
            while let Some(courier) = weak.upgrade() {
                let (account, session) = (courier.account.clone(), courier.session);
                drop(courier);
                match account.maintain().await {
                    // What is left over is done the next time.
                    Ok(()) | Err(SyncError::Gap) => {}
                    Err(SyncError::Interrupted(error)) if error.passes_by_itself() => {}
                    Err(SyncError::Interrupted(Interruption::SessionEnded)) => {}
                    Err(SyncError::Interrupted(error)) => {
                        if session.has_open(account.me().account) {
                            session.notice().set(Some(error.to_string()));
                        }
                    }
                }
                if let Some(courier) = weak.upgrade() {
                    courier.send_again();
                    courier.watch_timers();
                }
                drop(account);
                browser::pause(UPKEEP_MS).await;
            }
        });
    }

    /// Lets messages disappear in time.
    fn watch_timers(self: &Rc<Self>) {
        let Some(gone_at_ms) = self.account.next_disappearance() else { return };
        let now_ms = browser::now_ms();
        let nap_ms = gone_at_ms.saturating_sub(now_ms).min(LONGEST_NAP_MS);
        let looks_at_ms = now_ms + nap_ms;
        if self.looks_at_ms.get().is_some_and(|earlier| earlier <= looks_at_ms && earlier >= now_ms) {
            return;
        }
        self.looks_at_ms.set(Some(looks_at_ms));
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            browser::pause(u32::try_from(nap_ms).unwrap_or(u32::MAX).saturating_add(20)).await;
            let Some(courier) = weak.upgrade() else { return };
            courier.looks_at_ms.set(None);
            if courier.account.forget().await.is_ok() {
                courier.watch_timers();
            }
        });
    }

    /// Sends what is queued.
    pub(super) fn deliver(self: &Rc<Self>) {
        let courier = Rc::clone(self);
        spawn_local(async move {
            let mut asked = courier.sending.begin();
            while asked {
                // With nothing to send it succeeds without the server: that says nothing about the link.
                if let Err(error) = courier.account.flush().await {
                    courier.interrupted(error);
                }
                asked = courier.sending.again();
            }
            courier.watch_timers();
        });
    }

    /// Sends what fetching has put into the outbox: what a server has lost.
    fn send_again(self: &Rc<Self>) {
        if self.account.take_queued_again() {
            self.deliver();
        }
    }

    fn fetch(self: &Rc<Self>) {
        let courier = Rc::clone(self);
        spawn_local(async move {
            let mut asked = courier.fetching.begin();
            while asked {
                match courier.account.sync().await {
                    Ok(_) => {
                        courier.reached();
                        courier.send_again();
                    }
                    Err(SyncError::Interrupted(error)) => courier.interrupted(error),
                    Err(gap @ SyncError::Gap) => courier.session.notice().set(Some(gap.to_string())),
                }
                asked = courier.fetching.again();
            }
            courier.watch_timers();
        });
    }

    fn hear(self: &Rc<Self>, push: Push) {
        match push {
            Push::Opened => {
                self.fetch();
                self.deliver();
                // What began while nobody listened.
                self.session.look_at_sessions(self.account.clone());
            }
            Push::Sessions => self.session.look_at_sessions(self.account.clone()),
            Push::Grown => self.fetch(),
            Push::Lost => {
                self.session.set_link(Link::Down);
                // Asked at once: a session that was ended elsewhere locks now. And where something in between swallows
                // events, messages come by asking.
                self.fetch();
            }
        }
    }

    fn reached(&self) {
        self.pause_ms.set(FIRST_PAUSE_MS);
        self.session.set_link(Link::Up);
    }

    fn interrupted(self: &Rc<Self>, error: Interruption) {
        if !self.session.has_open(self.account.me().account) {
            // What is still under way when an account closes fails, and that is nobody's business.
            return;
        }
        match error {
            Interruption::SessionEnded => {
                self.session.lock(Some(LockReason::SessionEnded));
            }
            error if error.passes_by_itself() => {
                if matches!(error, Interruption::Unreachable) {
                    self.session.set_link(Link::Down);
                }
                self.try_later();
            }
            error => self.session.notice().set(Some(error.to_string())),
        }
    }

    fn try_later(self: &Rc<Self>) {
        if self.waiting.replace(true) {
            return;
        }
        let pause = self.pause_ms.get();
        self.pause_ms.set((pause * 2).min(LONGEST_PAUSE_MS));
        let weak = Rc::downgrade(self);
        spawn_local(async move {
            browser::pause(pause).await;
            if let Some(courier) = weak.upgrade() {
                courier.waiting.set(false);
                courier.fetch();
                courier.deliver();
            }
        });
    }
}

impl Round {
    /// Whether to begin; if it is being done already, it will be done once more.
    fn begin(&self) -> bool {
        let idle = !self.running.replace(true);
        self.again.set(!idle);
        idle
    }

    /// Whether to do it once more.
    fn again(&self) -> bool {
        let again = self.again.take();
        self.running.set(again);
        again
    }
}

//! One open account: what is done at it, and what goes on in the background while it is open.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
};
use zeroize::Zeroizing;

use super::{Problem, events, lock};
use crate::{
    device::{Account, Machine},
    system,
    upkeep::Upkeep,
};

/// Most messages of one login that are on their way at once.
const MAX_SENDING: usize = 32;
/// An account that nobody uses for so long is closed: a day.
const IDLE_MS: u64 = 24 * 60 * 60 * 1000;
/// For so long after a login the password counts as just typed: ten minutes.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// An open account.
pub(super) struct Desk {
    pub(super) number: u64,
    pub(super) account: Account,
    machine: Arc<Machine>,
    password: Mutex<Option<Zeroizing<String>>>,
    opened_at_ms: u64,
    used_at_ms: AtomicU64,
    ended: Arc<AtomicBool>,
    sending: Arc<Semaphore>,
    /// Says that there may be something new.
    pub(super) grown: watch::Sender<u64>,
    follower: Mutex<Option<JoinHandle<()>>>,
    upkeep: Upkeep,
}

impl Desk {
    /// A desk for an account that has just signed in.
    pub(super) fn new(
        number: u64,
        account: Account,
        machine: Arc<Machine>,
        password: Zeroizing<String>,
        now_ms: u64,
    ) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let upkeep = {
            let ended = Arc::clone(&ended);
            Upkeep::begin(&account, move || ended.store(true, Ordering::Relaxed))
        };
        Self {
            number,
            account,
            machine,
            password: Mutex::new(Some(password)),
            opened_at_ms: now_ms,
            used_at_ms: AtomicU64::new(now_ms),
            ended,
            sending: Arc::new(Semaphore::new(MAX_SENDING)),
            grown: watch::channel(0).0,
            follower: Mutex::new(None),
            upkeep,
        }
    }

    /// The password of the login, if it was typed just now.
    pub(super) fn fresh_password(&self) -> Option<Zeroizing<String>> {
        let mut password = lock(&self.password);
        if u128::from(system::now_ms().abs_diff(self.opened_at_ms)) > FRESH.as_millis() {
            *password = None;
        }
        password.clone()
    }

    /// What went wrong; an account whose session has ended is not found any more.
    pub(super) fn trouble(&self, error: impl Into<Problem>) -> Problem {
        let problem = error.into();
        if problem.ends_the_session() {
            self.ended.store(true, Ordering::Relaxed);
        }
        problem
    }

    /// Fetches what is new, and removes what has disappeared: nothing of that is shown any more.
    pub(super) async fn sync(&self) -> Result<(), Problem> {
        self.check_open()?;
        let synced = self.account.sync().await;
        let forgotten = self.account.forget().await;
        // Whatever they say once the account is closed, that is why.
        self.check_open()?;
        synced.map_err(|error| self.trouble(error))?;
        Ok(forgotten?)
    }

    fn check_open(&self) -> Result<(), Problem> {
        if self.has_ended() { Err(Problem::not_signed_in()) } else { Ok(()) }
    }

    /// A place among the messages that are on their way.
    pub(super) fn place_to_send(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.sending).try_acquire_owned();
        place.map_err(|_| Problem::busy("Too many messages are on their way: try again in a few seconds"))
    }

    /// Wakes whoever waits: there may be something new, or nothing more to wait for.
    pub(super) fn wake(&self) {
        self.grown.send_modify(|times| *times += 1);
    }

    /// Begins to follow the server's events, once.
    pub(super) fn follow(&self) {
        lock(&self.follower).get_or_insert_with(|| {
            tokio::spawn(events::follow(Arc::clone(&self.machine), self.grown.clone()))
        });
    }

    /// It is used at this moment.
    pub(super) fn touch(&self, now_ms: u64) {
        self.used_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// When it was last used, in milliseconds since 1970.
    pub(super) fn used_at_ms(&self) -> u64 {
        self.used_at_ms.load(Ordering::Relaxed)
    }

    /// Whether its session has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Whether its session has ended, or nobody uses it any more.
    pub(super) fn is_over(&self, now_ms: u64) -> bool {
        self.has_ended() || now_ms.saturating_sub(self.used_at_ms()) > IDLE_MS
    }

    /// Ends the session on the server, and forgets the keys.
    pub(super) async fn close(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.upkeep.stop();
        *lock(&self.password) = None;
        self.wake();
        // The records are in memory, and go with the account.
        let _ = self.account.log_out().await;
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(follower) = lock(&self.follower).take() {
            follower.abort();
        }
    }
}

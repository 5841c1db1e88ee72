//! What an open account needs by and by: its keys are looked after, and what has disappeared leaves the memory and the disk.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use client::{Interruption, SyncError};
use tokio::{sync::Notify, task::JoinHandle};
use tracing::{debug, warn};

use crate::{device::Account, system};

/// So often an open account's keys are looked after: a rotation that is an hour late harms nobody.
const MAINTAIN_EVERY: Duration = Duration::from_secs(10 * 60);
/// Pauses before what was in the way is tried again, in seconds: a server that restarts is back within the first ones.
const RETRY_AFTER_S: [u64; 4] = [5, 30, 120, 600];
/// The longest sleep before it is looked what has disappeared: a machine that was suspended wakes up with an old alarm.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// The shortest, in milliseconds: where records cannot be written, it is not tried all the time.
const BREATH_MS: u64 = 1_000;

/// Looks after an account, in the background, until it is dropped.
pub(crate) struct Upkeep {
    task: JoinHandle<()>,
    maintained_at_ms: Arc<AtomicU64>,
}

impl Upkeep {
    /// Begins. `ended` is called when the session turns out to have ended.
    pub(crate) fn begin(account: &Account, ended: impl FnOnce() + Send + 'static) -> Self {
        let maintained_at_ms = Arc::new(AtomicU64::new(0));
        let (account, when) = (account.clone(), Arc::clone(&maintained_at_ms));
        let task = tokio::spawn(async move {
            tokio::select! {
                () = maintain(&account, &when) => ended(),
                () = forget(&account) => {}
            }
        });
        Self { task, maintained_at_ms }
    }

    /// When everything that was due was done, in milliseconds since 1970; `None`: not yet.
    pub(crate) fn maintained_at_ms(&self) -> Option<u64> {
        Some(self.maintained_at_ms.load(Ordering::Relaxed)).filter(|at_ms| *at_ms > 0)
    }

    /// Stops in the middle of whatever it does: the next one goes on.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop();
    }
}

/// At once and every ten minutes, until the session has ended.
async fn maintain(account: &Account, when: &AtomicU64) {
    let mut failures = 0;
    loop {
        let pause = match account.maintain().await {
            Ok(()) => {
                when.store(system::now_ms(), Ordering::Relaxed);
                failures = 0;
                // What could not be said when it was due: that a message was deleted, for one.
                let _ = account.flush().await;
                MAINTAIN_EVERY
            }
            Err(SyncError::Interrupted(Interruption::SessionEnded)) => return,
            Err(SyncError::Interrupted(error)) if error.passes_by_itself() => {
                debug!(account = %account.me().account, %error, "upkeep: it is tried again");
                let pause = RETRY_AFTER_S[failures.min(RETRY_AFTER_S.len() - 1)];
                failures += 1;
                Duration::from_secs(pause)
            }
            Err(error) => {
                warn!(account = %account.me().account, %error, "upkeep: an account's keys are not looked after");
                MAINTAIN_EVERY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Whenever a message's time is over.
async fn forget(account: &Account) {
    let changed = Arc::new(Notify::new());
    let news = Arc::clone(&changed);
    account.on_change(move || news.notify_one());
    loop {
        if account.forget().await.is_err() {
            debug!(account = %account.me().account, "upkeep: what has disappeared cannot be removed at the moment");
        }
        tokio::time::sleep(Duration::from_millis(BREATH_MS)).await;
        let left = account.next_disappearance().map(|at_ms| at_ms.saturating_sub(system::now_ms()));
        let left = left.map_or(LOOK_AGAIN, Duration::from_millis).min(LOOK_AGAIN);
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            () = changed.notified() => {}
        }
    }
}

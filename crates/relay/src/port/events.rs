use std::{
    collections::{HashMap, hash_map::Entry},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{Stream, stream::BoxStream, task::AtomicWaker};
use protocol::{
    Cursor,
    id::{AccountId, SessionId},
};

/// Tells sessions that a mailbox has grown, or that the account's sessions have changed. A lost notice is harmless, as
/// the next one or the next fetch says it all: an adapter may drop notices when it is pressed, and never waits.
pub trait Events: Send + Sync {
    /// These mailboxes end here now.
    fn publish(&self, ends: &[(AccountId, Cursor)]);

    /// Sessions of this account began or ended: those that ended hear nothing any more.
    fn sessions_changed(&self, account: AccountId, ended: &[SessionId]);

    /// What is new for this session, from now on; over when the session is said to have ended.
    fn subscribe(&self, account: AccountId, session: SessionId) -> BoxStream<'static, Notice>;
}

/// What a session is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The mailbox ends here now.
    Grown(Cursor),
    /// The account's sessions have changed.
    Sessions,
}

/// Events within one process. Each subscription holds one place, the furthest end not yet seen: a slow reader costs
/// a few bytes and skips what is outdated.
#[derive(Clone, Default)]
pub struct LocalEvents(Arc<Mutex<Listeners>>);

type Listeners = HashMap<AccountId, Vec<Weak<Listener>>>;

struct Listener {
    session: SessionId,
    end: AtomicU64,
    /// Counted up with each change of the sessions.
    sessions: AtomicU64,
    ended: AtomicBool,
    waker: AtomicWaker,
}

struct Subscription {
    account: AccountId,
    listener: Arc<Listener>,
    seen: u64,
    seen_sessions: u64,
    listeners: Arc<Mutex<Listeners>>,
}

impl LocalEvents {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many subscriptions there are, in all.
    pub fn subscriptions(&self) -> usize {
        lock(&self.0).values().map(Vec::len).sum()
    }
}

impl Events for LocalEvents {
    fn publish(&self, ends: &[(AccountId, Cursor)]) {
        let listeners = lock(&self.0);
        for (account, end) in ends {
            for listener in listeners.get(account).into_iter().flatten().filter_map(Weak::upgrade) {
                listener.end.fetch_max(end.0, Ordering::AcqRel);
                listener.waker.wake();
            }
        }
    }

    fn sessions_changed(&self, account: AccountId, ended: &[SessionId]) {
        let listeners = lock(&self.0);
        for listener in listeners.get(&account).into_iter().flatten().filter_map(Weak::upgrade) {
            listener.sessions.fetch_add(1, Ordering::AcqRel);
            if ended.contains(&listener.session) {
                listener.ended.store(true, Ordering::Release);
            }
            listener.waker.wake();
        }
    }

    fn subscribe(&self, account: AccountId, session: SessionId) -> BoxStream<'static, Notice> {
        let listener = Arc::new(Listener {
            session,
            end: AtomicU64::new(0),
            sessions: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        lock(&self.0).entry(account).or_default().push(Arc::downgrade(&listener));
        let listeners = Arc::clone(&self.0);
        Box::pin(Subscription { account, listener, seen: 0, seen_sessions: 0, listeners })
    }
}

impl Stream for Subscription {
    type Item = Notice;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Notice>> {
        self.listener.waker.register(context.waker());
        if self.listener.ended.load(Ordering::Acquire) {
            return Poll::Ready(None);
        }
        let end = self.listener.end.load(Ordering::Acquire);
        if end > self.seen {
            self.seen = end;
            return Poll::Ready(Some(Notice::Grown(Cursor(end))));
        }
        let sessions = self.listener.sessions.load(Ordering::Acquire);
        if sessions != self.seen_sessions {
            self.seen_sessions = sessions;
            return Poll::Ready(Some(Notice::Sessions));
        }
        Poll::Pending
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut listeners = lock(&self.listeners);
        if let Entry::Occupied(mut of_account) = listeners.entry(self.account) {
            let own = Arc::downgrade(&self.listener);
            of_account.get_mut().retain(|listener| !listener.ptr_eq(&own));
            if of_account.get().is_empty() {
                of_account.remove();
            }
        }
    }
}

/// No code that could panic runs while the map is locked, so a poisoned lock still guards a whole map.
fn lock(listeners: &Mutex<Listeners>) -> MutexGuard<'_, Listeners> {
    listeners.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    const ALICE: AccountId = AccountId::from_bytes([1; 16]);
    const BOB: AccountId = AccountId::from_bytes([2; 16]);
    const ONE: SessionId = SessionId::from_bytes([3; 16]);
    const TWO: SessionId = SessionId::from_bytes([4; 16]);

    #[test]
    fn a_slow_reader_sees_the_furthest_end_once() {
        let events = LocalEvents::new();
        let mut alice = events.subscribe(ALICE, ONE);
        assert_eq!(alice.next().now_or_never(), None);
        events.publish(&[(ALICE, Cursor(1)), (BOB, Cursor(7))]);
        events.publish(&[(ALICE, Cursor(3))]);
        events.publish(&[(ALICE, Cursor(2))]);
        assert_eq!(alice.next().now_or_never(), Some(Some(Notice::Grown(Cursor(3)))));
        assert_eq!(alice.next().now_or_never(), None);
    }

    #[test]
    fn a_session_that_ended_hears_nothing_more_and_the_others_hear_of_it() {
        let events = LocalEvents::new();
        let [mut one, mut two] = [ONE, TWO].map(|session| events.subscribe(ALICE, session));
        events.sessions_changed(ALICE, &[ONE]);
        events.publish(&[(ALICE, Cursor(1))]);
        assert_eq!(one.next().now_or_never(), Some(None));
        assert_eq!(two.next().now_or_never(), Some(Some(Notice::Grown(Cursor(1)))));
        assert_eq!(two.next().now_or_never(), Some(Some(Notice::Sessions)));
        assert_eq!(two.next().now_or_never(), None);
        events.sessions_changed(BOB, &[TWO]);
        assert_eq!(two.next().now_or_never(), None, "another account's sessions");
    }

    #[test]
    fn a_notice_wakes_who_waits_and_a_dropped_subscription_leaves_nothing_behind() {
        let events = LocalEvents::new();
        let mut one = events.subscribe(ALICE, ONE);
        let two = events.subscribe(ALICE, TWO);
        let publisher = events.clone();
        let waiting = std::thread::spawn(move || futures::executor::block_on(one.next()));
        publisher.publish(&[(ALICE, Cursor(1))]);
        assert_eq!(waiting.join().unwrap(), Some(Notice::Grown(Cursor(1))));
        assert_eq!(events.subscriptions(), 1);
        drop(two);
        assert_eq!(events.subscriptions(), 0);
    }
}

use std::{
    collections::{HashMap, hash_map::Entry},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures::{Stream, stream::BoxStream, task::AtomicWaker};
use protocol::{Cursor, id::AccountId};

/// Tells sessions that a mailbox has grown. A lost notice is harmless, as the next one or the next fetch says it all:
/// an adapter may drop notices when it is pressed, and never waits.
pub trait Events: Send + Sync {
    /// These mailboxes end here now.
    fn publish(&self, ends: &[(AccountId, Cursor)]);

    /// The new ends of this account's mailbox, from now on.
    fn subscribe(&self, account: AccountId) -> BoxStream<'static, Cursor>;
}

/// Events within one process. Each subscription holds one place, the furthest end not yet seen: a slow reader costs
/// eight bytes and skips what is outdated.
#[derive(Clone, Default)]
pub struct LocalEvents(Arc<Mutex<Listeners>>);

type Listeners = HashMap<AccountId, Vec<Weak<Listener>>>;

#[derive(Default)]
struct Listener {
    end: AtomicU64,
    waker: AtomicWaker,
}

struct Subscription {
    account: AccountId,
    listener: Arc<Listener>,
    seen: u64,
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

    fn subscribe(&self, account: AccountId) -> BoxStream<'static, Cursor> {
        let listener = Arc::new(Listener::default());
        lock(&self.0).entry(account).or_default().push(Arc::downgrade(&listener));
        Box::pin(Subscription { account, listener, seen: 0, listeners: Arc::clone(&self.0) })
    }
}

impl Stream for Subscription {
    type Item = Cursor;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Cursor>> {
        self.listener.waker.register(context.waker());
        let end = self.listener.end.load(Ordering::Acquire);
        if end > self.seen {
            self.seen = end;
            return Poll::Ready(Some(Cursor(end)));
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

    #[test]
    fn a_slow_reader_sees_the_furthest_end_once() {
        let events = LocalEvents::new();
        let mut alice = events.subscribe(ALICE);
        assert_eq!(alice.next().now_or_never(), None);
        events.publish(&[(ALICE, Cursor(1)), (BOB, Cursor(7))]);
        events.publish(&[(ALICE, Cursor(3))]);
        events.publish(&[(ALICE, Cursor(2))]);
        assert_eq!(alice.next().now_or_never(), Some(Some(Cursor(3))));
        assert_eq!(alice.next().now_or_never(), None);
    }

    #[test]
    fn a_notice_wakes_who_waits_and_a_dropped_subscription_leaves_nothing_behind() {
        let events = LocalEvents::new();
        let mut one = events.subscribe(ALICE);
        let two = events.subscribe(ALICE);
        let publisher = events.clone();
        let waiting = std::thread::spawn(move || futures::executor::block_on(one.next()));
        publisher.publish(&[(ALICE, Cursor(1))]);
        assert_eq!(waiting.join().unwrap(), Some(Cursor(1)));
        assert_eq!(events.subscriptions(), 1);
        drop(two);
        assert_eq!(events.subscriptions(), 0);
    }
}

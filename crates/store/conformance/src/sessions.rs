use std::sync::Arc;

use crypto::id::SessionId;
use protocol::Cursor;
use relay::port::{Expiry, Store};

use crate::cast::{NOW_MS, deliver, envelope, people};

const NOTHING_EXPIRED: Expiry = Expiry { created_before_ms: 0, seen_before_ms: 0 };

/// For every request that begins after the end, on every connection; and it cannot be revived.
pub async fn a_session_ends_at_once(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..20 {
        let session = SessionId::from_bytes([number; 16]);
        let begun = alice.begun_session(session, NOW_MS);
        store.begin_session(begun, NOTHING_EXPIRED).await.unwrap();
        assert!(store.find_session(session).await.unwrap().is_some());
        assert!(store.end_session(alice.account(), session).await.unwrap());
        assert!(store.find_session(session).await.unwrap().is_none());
        store.touch_session(session, NOW_MS + 1).await.unwrap();
        assert!(store.find_session(session).await.unwrap().is_none(), "seeing it does not revive it");
        assert!(!store.end_session(alice.account(), session).await.unwrap(), "it has ended");
    }
    assert!(store.find_session(alice.session()).await.unwrap().is_some(), "the others go on");
    assert!(store.find_session(bob.session()).await.unwrap().is_some());
}

/// Those of the same account only; and it tells where the mailbox ends.
pub async fn a_new_session_forgets_those_that_are_over(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    deliver(&store, envelope(alice, 0, &[alice, bob])).await;
    let [old, idle, live, new] = [1, 2, 3, 4].map(|byte| SessionId::from_bytes([byte; 16]));
    for (session, created_at_ms, seen_at_ms) in
        [(old, NOW_MS - 30, NOW_MS), (idle, NOW_MS - 20, NOW_MS - 11), (live, NOW_MS - 20, NOW_MS - 10)]
    {
        store.begin_session(alice.begun_session(session, created_at_ms), NOTHING_EXPIRED).await.unwrap();
        store.touch_session(session, seen_at_ms).await.unwrap();
    }
    let expired = Expiry { created_before_ms: NOW_MS - 25, seen_before_ms: NOW_MS - 10 };
    let end = store.begin_session(alice.begun_session(new, NOW_MS), expired).await.unwrap();
    assert_eq!(end, Cursor(1));
    for (session, is_there) in [(old, false), (idle, false), (live, true), (new, true)] {
        assert_eq!(store.find_session(session).await.unwrap().is_some(), is_there, "{session}");
    }
    let all = Expiry { created_before_ms: u64::MAX, seen_before_ms: u64::MAX };
    store.begin_session(alice.begun_session(SessionId::from_bytes([5; 16]), NOW_MS), all).await.unwrap();
    assert!(store.find_session(bob.session()).await.unwrap().is_some(), "another account's");
}

/// The note is there for the next request, also when the clock stepped back.
pub async fn a_session_is_noted_when_it_was_seen(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    for seen_at_ms in [NOW_MS + 60_000, NOW_MS - 60_000] {
        store.touch_session(alice.session(), seen_at_ms).await.unwrap();
        let live = store.find_session(alice.session()).await.unwrap().unwrap();
        assert_eq!((live.created_at_ms, live.last_seen_at_ms), (NOW_MS, seen_at_ms));
    }
}

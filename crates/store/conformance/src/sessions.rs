use std::sync::Arc;

use crypto::id::SessionId;
use protocol::Cursor;
use relay::port::{Expiry, Store};

use crate::cast::{NOTHING_EXPIRED, NOW_MS, begin, deliver, envelope, people, sorted};

/// For every request that begins after the end, on every connection; and it cannot be revived.
pub async fn a_session_ends_at_once(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..20 {
        let session = SessionId::from_bytes([number; 16]);
        let begun = alice.begun_session(session, NOW_MS);
        begin(&store, begun, NOTHING_EXPIRED).await;
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
        begin(&store, alice.begun_session(session, created_at_ms), NOTHING_EXPIRED).await;
        store.touch_session(session, seen_at_ms).await.unwrap();
    }
    let expired = Expiry { created_before_ms: NOW_MS - 25, seen_before_ms: NOW_MS - 10 };
    let end = begin(&store, alice.begun_session(new, NOW_MS), expired).await;
    assert_eq!(end, Cursor(1));
    for (session, is_there) in [(old, false), (idle, false), (live, true), (new, true)] {
        assert_eq!(store.find_session(session).await.unwrap().is_some(), is_there, "{session}");
    }
    let all = Expiry { created_before_ms: u64::MAX, seen_before_ms: u64::MAX };
    begin(&store, alice.begun_session(SessionId::from_bytes([5; 16]), NOW_MS), all).await;
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

/// The one that was seen last comes first, with what it is called; others' sessions are not among them.
pub async fn sessions_are_listed_by_when_they_were_seen(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let [early, late] = [1, 2].map(|byte| SessionId::from_bytes([byte; 16]));
    for (session, name, created_at_ms, seen_at_ms) in
        [(late, "A phone", NOW_MS - 20, NOW_MS + 10), (early, "A tablet", NOW_MS - 10, NOW_MS - 5)]
    {
        let mut begun = alice.begun_session(session, created_at_ms);
        begun.device_name = name.to_owned();
        begin(&store, begun, NOTHING_EXPIRED).await;
        store.touch_session(session, seen_at_ms).await.unwrap();
    }
    let listed = store.list_sessions(alice.account()).await.unwrap();
    let told: Vec<_> = listed
        .iter()
        .map(|listed| {
            let name = listed.device_name.as_str();
            (listed.session, name, listed.created_at_ms, listed.last_seen_at_ms)
        })
        .collect();
    assert_eq!(
        told,
        [
            (late, "A phone", NOW_MS - 20, NOW_MS + 10),
            (alice.session(), "A browser", NOW_MS, NOW_MS),
            (early, "A tablet", NOW_MS - 10, NOW_MS - 5),
        ]
    );
    let bobs = store.list_sessions(bob.account()).await.unwrap();
    assert_eq!(bobs.iter().map(|listed| listed.session).collect::<Vec<_>>(), [bob.session()]);
    store.touch_session(early, NOW_MS + 20).await.unwrap();
    assert_eq!(store.list_sessions(alice.account()).await.unwrap()[0].session, early);
}

/// Who knows the id of another's session cannot end it.
pub async fn a_session_is_ended_by_its_own_account_only(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    assert!(!store.end_session(bob.account(), alice.session()).await.unwrap());
    assert!(store.find_session(alice.session()).await.unwrap().is_some());
    assert!(store.end_session(alice.account(), alice.session()).await.unwrap());
    assert!(store.find_session(alice.session()).await.unwrap().is_none());
}

/// All others, or all; and of this account only.
pub async fn sessions_end_together_and_are_told(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let [one, other] = alice.signed_in(&store, [1, 2]).await;
    let ended = store.end_sessions(alice.account(), Some(one)).await.unwrap();
    assert_eq!(sorted(ended), sorted(vec![alice.session(), other]));
    assert_eq!(store.list_sessions(alice.account()).await.unwrap().len(), 1);
    assert!(store.end_sessions(alice.account(), Some(one)).await.unwrap().is_empty());
    let ended = store.end_sessions(alice.account(), Some(bob.session())).await.unwrap();
    assert_eq!(ended, [one], "another's session is none to keep");
    assert!(store.end_sessions(alice.account(), None).await.unwrap().is_empty());
    assert_eq!(store.end_sessions(bob.account(), None).await.unwrap(), [bob.session()]);
}

use std::sync::Arc;

use crypto::{
    device_log::{Change, DeviceLog, LogEntry},
    id::{AccountId, LogHash, SessionId},
    identity::IdentityKey,
};
use protocol::Cursor;
use relay::port::{Claim, Delivered, LogOutcome, NewLogEntry, NewPrekeys, RedeemedKeys, Store, UsedPrekey};

use crate::{
    cast::{
        NO_PREKEYS, NOW_MS, Person, device_id, device_key, envelope, fifty_at_once, people, publish, sorted,
        token,
    },
    resets::{redemption, replaced, replaced_identity},
};

fn added(device: u8) -> Change {
    Change::Added(device_id(device), device_key(device).public())
}

fn revoked(device: u8) -> Change {
    Change::Revoked(device_id(device))
}

/// The entries of a log in which this changed, one after the other.
fn entries(account: AccountId, identity: &IdentityKey, changes: &[Change]) -> Vec<LogEntry> {
    let mut log = DeviceLog::empty(account, identity.public());
    changes.iter().map(|change| log.append(*change, NOW_MS, identity).unwrap()).collect()
}

async fn append(store: &Arc<dyn Store>, person: Person, entry: &LogEntry, session: SessionId) -> LogOutcome {
    let identity = person.identity().public().fingerprint();
    let new = NewLogEntry { account: person.account(), identity, entry: entry.clone(), session };
    store.append_log(new).await.unwrap()
}

async fn log_of(store: &Arc<dyn Store>, person: Person, after: u32, limit: usize) -> Vec<LogEntry> {
    let identity = person.identity().public().fingerprint();
    store.device_log(person.account(), identity, after, limit).await.unwrap()
}

/// How long the log is that others are shown, and its head.
async fn head_of(store: &Arc<dyn Store>, person: Person) -> (u32, LogHash) {
    let [keys] = store.find_keys(&[person.account()]).await.unwrap().try_into().unwrap();
    (keys.log_length, keys.log_head)
}

/// The last entry that is seen when somebody sends.
async fn seen_when_sending(store: &Arc<dyn Store>, [sender, other]: [Person; 2]) -> Option<LogEntry> {
    let message = envelope(sender, 0, &[]).message;
    let both = [sender.account(), other.account()];
    store.send_context(message, sender.account(), &both).await.unwrap().sender_last_entry
}

/// Entry after entry, without a gap; it is read back in pages, and others are shown its head.
pub async fn a_device_log_grows_by_one_entry_at_a_time(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let all = entries(alice.account(), &alice.identity(), &[added(1), added(2), revoked(1), added(3)]);
    assert_eq!(head_of(&store, alice).await, (0, LogHash::from_bytes([0; 32])));
    assert_eq!(seen_when_sending(&store, [alice, bob]).await, None);
    for (index, entry) in all.iter().enumerate() {
        for later in &all[index + 1..] {
            assert_eq!(append(&store, alice, later, alice.session()).await, LogOutcome::Conflict, "a gap");
        }
        let outcome = append(&store, alice, entry, SessionId::from_bytes([9; 16])).await;
        assert_eq!(outcome, LogOutcome::Done(Vec::new()));
        assert_eq!(head_of(&store, alice).await, (entry.position(), entry.hash(alice.account())));
        assert_eq!(seen_when_sending(&store, [alice, bob]).await.as_ref(), Some(entry));
    }
    assert_eq!(log_of(&store, alice, 0, 100).await, all);
    assert_eq!(log_of(&store, alice, 0, 2).await, all[..2]);
    assert_eq!(log_of(&store, alice, 2, 2).await, all[2..]);
    assert_eq!(log_of(&store, alice, 3, 2).await, all[3..]);
    assert!(log_of(&store, alice, 4, 2).await.is_empty());
    assert!(log_of(&store, alice, u32::MAX, 2).await.is_empty());

    assert!(log_of(&store, bob, 0, 100).await.is_empty(), "it is hers alone");
    assert_eq!(seen_when_sending(&store, [bob, alice]).await, None);
    let identity = bob.identity().public().fingerprint();
    assert!(store.device_log(alice.account(), identity, 0, 100).await.unwrap().is_empty());
}

/// Byte for byte it is the same request again, whenever it comes; anything else at its position is refused.
pub async fn an_entry_is_repeated_but_not_replaced(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let [one, other] = alice.signed_in(&store, [1, 2]).await;
    let all = entries(alice.account(), &alice.identity(), &[added(1), added(2), revoked(2)]);
    let fork = entries(alice.account(), &alice.identity(), &[added(3), added(4), revoked(3)]);
    append(&store, alice, &all[0], one).await;
    append(&store, alice, &all[1], other).await;
    for entry in &fork[..2] {
        assert_eq!(append(&store, alice, entry, one).await, LogOutcome::Conflict);
    }
    assert_eq!(append(&store, alice, &all[2], one).await, LogOutcome::Done(vec![other]));
    assert_eq!(append(&store, alice, &fork[2], one).await, LogOutcome::Conflict);
    for entry in [&all[0], &all[2]] {
        assert_eq!(append(&store, alice, entry, one).await, LogOutcome::Done(Vec::new()));
    }
    let outcome = append(&store, alice, &all[1], one).await;
    assert_eq!(outcome, LogOutcome::Conflict, "a device that was revoked gets no session any more");
    assert_eq!(store.find_session(one).await.unwrap().unwrap().device.unwrap().0, device_id(1));
    assert_eq!(log_of(&store, alice, 0, 100).await, all);
}

/// A lost answer is asked for again, by another session perhaps: that one is bound then. Nobody is ended twice.
pub async fn a_repeated_entry_binds_the_session_that_asks(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let [one, other] = alice.signed_in(&store, [1, 2]).await;
    let all = entries(alice.account(), &alice.identity(), &[added(1), revoked(1)]);
    append(&store, alice, &all[0], one).await;
    append(&store, alice, &all[0], other).await;
    let device = Some((device_id(1), device_key(1).public()));
    for session in [one, other] {
        assert_eq!(store.find_session(session).await.unwrap().unwrap().device, device);
    }
    let LogOutcome::Done(ended) = append(&store, alice, &all[1], alice.session()).await else {
        panic!("it is the next one");
    };
    assert_eq!(sorted(ended), [one, other]);
    let again = append(&store, alice, &all[1], alice.session()).await;
    assert_eq!(again, LogOutcome::Done(Vec::new()));
    assert!(store.find_session(alice.session()).await.unwrap().is_some());
}

/// Who signs for another key, or after a reset for the key of before, appends nothing. What stood there stays readable.
pub async fn a_log_grows_under_the_key_that_stands(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let old = entries(alice.account(), &alice.identity(), &[added(1), added(2)]);
    append(&store, alice, &old[0], alice.session()).await;
    let foreign = NewLogEntry {
        account: alice.account(),
        identity: bob.identity().public().fingerprint(),
        entry: old[1].clone(),
        session: alice.session(),
    };
    assert_eq!(store.append_log(foreign.clone()).await.unwrap(), LogOutcome::Conflict);
    let nobody = NewLogEntry { account: Person(9).account(), ..foreign };
    assert_eq!(store.append_log(nobody).await.unwrap(), LogOutcome::Conflict);

    assert!(store.arm_reset(alice.account(), token(1), NOW_MS).await.unwrap());
    assert!(store.redeem_reset(redemption(alice, 1, replaced(alice, 7))).await.unwrap().is_some());
    for entry in &old {
        assert_eq!(append(&store, alice, entry, alice.session()).await, LogOutcome::Conflict);
    }
    assert_eq!(log_of(&store, alice, 0, 100).await, old[..1]);
    assert_eq!(head_of(&store, alice).await.0, 0);
    assert_eq!(seen_when_sending(&store, [alice, bob]).await, None);

    let identity = replaced_identity(7);
    let [first] = entries(alice.account(), &identity, &[added(1)]).try_into().unwrap();
    let new = NewLogEntry {
        account: alice.account(),
        identity: identity.public().fingerprint(),
        entry: first.clone(),
        session: alice.session(),
    };
    assert_eq!(store.append_log(new).await.unwrap(), LogOutcome::Done(Vec::new()));
    assert_eq!(head_of(&store, alice).await, (1, first.hash(alice.account())));
    assert_eq!(seen_when_sending(&store, [alice, bob]).await, Some(first));
}

/// The one that asks, and no other; a session has one device, the last.
pub async fn a_device_that_is_added_gets_the_session_that_asks(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let [other] = alice.signed_in(&store, [1]).await;
    let devices = async || {
        let listed = store.list_sessions(alice.account()).await.unwrap();
        let of = |session| listed.iter().find(|listed| listed.session == session).unwrap().device;
        [of(alice.session()), of(other)]
    };
    assert_eq!(devices().await, [None, None]);
    let all = entries(alice.account(), &alice.identity(), &[added(1), added(2), added(3)]);
    append(&store, alice, &all[0], alice.session()).await;
    assert_eq!(devices().await, [Some(device_id(1)), None]);
    append(&store, alice, &all[1], alice.session()).await;
    assert_eq!(devices().await, [Some(device_id(2)), None]);
    let live = store.find_session(alice.session()).await.unwrap().unwrap();
    assert_eq!(live.device, Some((device_id(2), device_key(2).public())));

    append(&store, alice, &all[2], bob.session()).await;
    assert_eq!(store.find_session(bob.session()).await.unwrap().unwrap().device, None, "another account's");
    assert_eq!(store.find_session(other).await.unwrap().unwrap().device, None);
    assert_eq!(devices().await, [Some(device_id(2)), None]);
}

/// At once, with all that it had published; the other devices, and others' of the same id, keep theirs.
pub async fn a_device_that_is_revoked_loses_its_session_and_its_prekeys(store: Arc<dyn Store>) {
    let [alice, bob, carol] = people(&store, 3).await.try_into().unwrap();
    let [stolen] = alice.signed_in(&store, [1]).await;
    let all = entries(alice.account(), &alice.identity(), &[added(1), added(2), revoked(1)]);
    append(&store, alice, &all[0], stolen).await;
    append(&store, alice, &all[1], alice.session()).await;
    let [bobs] = entries(bob.account(), &bob.identity(), &[added(1)]).try_into().unwrap();
    append(&store, bob, &bobs, bob.session()).await;
    for (person, device) in [(alice, 1), (alice, 2), (bob, 1)] {
        let prekeys = person.device_prekeys(device, 1..=3);
        let device = Some((device_id(device), prekeys));
        publish(&store, person, NewPrekeys { device, one_time: person.one_time_prekeys([]), ..NO_PREKEYS })
            .await;
    }
    publish(&store, alice, NewPrekeys { one_time: alice.one_time_prekeys(1..=2), ..NO_PREKEYS }).await;
    let claim = Claim {
        by: carol.account(),
        accounts: vec![alice.account()],
        of_devices: true,
        at_ms: NOW_MS,
        published_after_ms: 0,
        most_unused: u32::MAX,
        by_device: None,
    };
    assert_eq!(store.claim_prekeys(claim.clone()).await.unwrap().len(), 2);

    assert_eq!(append(&store, alice, &all[2], alice.session()).await, LogOutcome::Done(vec![stolen]));
    assert!(store.find_session(stolen).await.unwrap().is_none());
    for person in [alice, bob] {
        assert!(store.find_session(person.session()).await.unwrap().is_some());
    }
    let left = async |person: Person, device| {
        let status = store
            .prekey_status(person.account(), Some(device_id(device)), Cursor::START, 0)
            .await
            .unwrap()
            .unwrap();
        (status.device_left, status.last_device, status.one_time_left)
    };
    assert_eq!(left(alice, 1).await, (0, 0, 2));
    assert_eq!(left(alice, 2).await, (2, 3, 2));
    assert_eq!(left(bob, 1).await, (3, 3, 0));
    let claimed = store.claim_prekeys(claim).await.unwrap();
    assert_eq!(claimed.iter().map(|claimed| claimed.device).collect::<Vec<_>>(), [Some(device_id(2))]);

    let mut sent = envelope(carol, 0, &[alice, carol]);
    let id = alice.device_prekeys(1, [1])[0].id();
    sent.used_prekeys = vec![UsedPrekey { account: alice.account(), device: Some(device_id(1)), id }];
    let outcome = store.deliver(sent.clone()).await.unwrap();
    assert_eq!(outcome, Delivered::StalePrekeys(vec![alice.account()]), "also what was claimed before");
    sent.used_prekeys[0].device = Some(device_id(2));
    assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
}

/// Two devices that sign the next entry at the same time fork nothing.
pub async fn of_fifty_who_append_at_one_position_one_does(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let outcomes = fifty_at_once(|number| {
        let store = Arc::clone(&store);
        async move {
            let [entry] =
                entries(alice.account(), &alice.identity(), &[added(1 + number as u8)]).try_into().unwrap();
            let outcome = append(&store, alice, &entry, alice.session()).await;
            (outcome != LogOutcome::Conflict).then_some(entry)
        }
    });
    let done: Vec<LogEntry> = outcomes.await.into_iter().flatten().collect();
    assert_eq!(done.len(), 1, "exactly one did");
    assert_eq!(log_of(&store, alice, 0, 100).await, done);
    let Change::Added(device, key) = done[0].change() else { unreachable!() };
    let live = store.find_session(alice.session()).await.unwrap().unwrap();
    assert_eq!(live.device, Some((device, key)));
}

/// What its devices signed is in others' mailboxes for ever. A reset that keeps the keys keeps the log, too.
pub async fn a_device_log_outlives_its_account(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let all = entries(alice.account(), &alice.identity(), &[added(1), added(2), revoked(1), added(3)]);
    for entry in &all[..3] {
        append(&store, alice, entry, SessionId::from_bytes([9; 16])).await;
    }
    assert!(store.arm_reset(alice.account(), token(1), NOW_MS).await.unwrap());
    assert!(store.redeem_reset(redemption(alice, 1, RedeemedKeys::Keep)).await.unwrap().is_some());
    assert_eq!(head_of(&store, alice).await, (3, all[2].hash(alice.account())));
    let [session] = alice.signed_in(&store, [1]).await;
    let proven =
        relay::port::Proven { password_hash: alice.wraps(b'1').password_hash, ..alice.proven_in(session) };
    assert!(store.delete_account(proven, NOW_MS).await.unwrap().is_some());
    assert_eq!(log_of(&store, alice, 0, 100).await, all[..3]);
    assert_eq!(append(&store, alice, &all[3], session).await, LogOutcome::Conflict, "but it has ended");
    assert_eq!(append(&store, alice, &all[2], session).await, LogOutcome::Conflict);
}

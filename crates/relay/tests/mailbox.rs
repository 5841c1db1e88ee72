//! Envelopes go in, deliveries come out.

mod stage;

use crypto::{
    envelope::Delivery,
    id::{AccountId, MessageId, PrekeyId},
    prekey::PrekeySecret,
};
use futures::{FutureExt, StreamExt};
use protocol::{
    Binary, Code, Cursor,
    account::Logout,
    directory::{FetchKeys, ListUsers},
    mailbox::{FetchPage, Send},
    vault::{PutRow, Row, VaultKind},
};
use rand_core::UnwrapErr;
use relay::port::Notice;
use stage::{NOW_MS, Person, Stage};

const ALL: FetchPage = FetchPage { after: Cursor::START, limit: 100 };

#[tokio::test]
async fn everyone_gets_the_envelope_and_opens_it() {
    let stage = Stage::new();
    let [alice, bob, carol] = [stage.join("alice").await, stage.join("bob").await, stage.join("carol").await];
    let envelope = alice.person.seal("Hello!", &[&bob.person, &carol.person]);
    let sent = stage.send(&alice, &envelope).await.unwrap();
    assert_eq!((sent.hash, sent.cursor, sent.received_at_ms), (envelope.hash(), Cursor(1), NOW_MS));

    for member in [&alice, &bob, &carol] {
        let page = stage.relay.fetch_page(&member.caller, ALL).await.unwrap();
        let [item] = page.items.as_slice() else { panic!("one delivery") };
        assert_eq!((item.cursor, page.end), (Cursor(1), Cursor(1)));
        let delivery = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()).unwrap();
        let verified = delivery.verify(&alice.person.identity.public()).unwrap();
        let opened = verified
            .open(member.person.account, &member.person.identity.public(), &member.person.prekey)
            .unwrap();
        assert_eq!(opened.content(), b"Hello!");
    }
}

#[tokio::test]
async fn sending_again_is_sending_once_for_ever() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let envelope = alice.person.seal("once", &[&bob.person]);
    let sent = stage.send(&alice, &envelope).await.unwrap();
    for day in [0, 1, 400] {
        stage.set_clock(NOW_MS + day * stage::DAY_MS);
        assert_eq!(stage.send(&alice, &envelope).await.unwrap(), sent);
    }
    assert_eq!(stage.relay.fetch_page(&bob.caller, ALL).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn another_message_under_the_same_id_is_a_conflict() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let id = MessageId::random(&mut UnwrapErr(getrandom::SysRng));
    let keys = [alice.person.sealing_key(), bob.person.sealing_key()];
    stage.send(&alice, &alice.person.seal_to(id, "first", &keys)).await.unwrap();
    for sender in [&alice, &bob] {
        let other = sender.person.seal_to(id, "second", &keys);
        let refusal = stage.send(sender, &other).await.unwrap_err();
        assert_eq!((refusal.code, refusal.code.status()), (Code::MessageConflict, 409));
    }
}

#[tokio::test]
async fn only_the_signer_sends() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let refusal = stage.send(&bob, &alice.person.seal("mine", &[&bob.person])).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::NotTheSender, 403));

    // Bob signs in Alice's name: his own key does not make it hers.
    let mut pretender = Person::new("alice");
    pretender.account = alice.person.account;
    let refusal = stage.send(&alice, &pretender.seal("forged", &[&bob.person])).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::InvalidEnvelope, 400));
    assert_eq!(stage.relay.fetch_page(&bob.caller, ALL).await.unwrap().end, Cursor(0));
}

#[tokio::test]
async fn an_envelope_that_was_touched_is_not_taken() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let bytes = alice.person.seal("whole", &[&bob.person]).to_bytes();
    for place in (0..bytes.len()).step_by(7) {
        let mut touched = bytes.clone();
        touched[place] ^= 1;
        let refusal = stage
            .relay
            .send(&alice.caller, Send { envelope: Binary(touched), archived: None })
            .await
            .unwrap_err();
        assert!(
            matches!(refusal.code, Code::InvalidEnvelope | Code::NotTheSender),
            "byte {place}: {refusal:?}"
        );
    }
    for broken in [&bytes[..bytes.len() - 1], &bytes[..10], &[][..], &[bytes.as_slice(), &[0]].concat()] {
        let request = Send { envelope: Binary(broken.to_vec()), archived: None };
        assert_eq!(stage.relay.send(&alice.caller, request).await.unwrap_err().code, Code::InvalidEnvelope);
    }
    let request =
        Send { envelope: Binary(vec![1; crypto::envelope::MAX_ENVELOPE_BYTES + 1]), archived: None };
    assert_eq!(stage.relay.send(&alice.caller, request).await.unwrap_err().code, Code::InvalidEnvelope);
    assert_eq!(stage.relay.fetch_page(&bob.caller, ALL).await.unwrap().end, Cursor(0));
}

#[tokio::test]
async fn unknown_recipients_are_named_and_nobody_gets_anything() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let stranger = Person::new("stranger");
    let refusal = stage.send(&alice, &alice.person.seal("hi", &[&bob.person, &stranger])).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::UnknownRecipient, 404));
    assert_eq!(refusal.accounts, [stranger.account]);
    assert_eq!(stage.relay.fetch_page(&bob.caller, ALL).await.unwrap().end, Cursor(0));
}

#[tokio::test]
async fn stale_keys_are_named() {
    let stage = Stage::new();
    let [alice, bob, carol] = [stage.join("alice").await, stage.join("bob").await, stage.join("carol").await];
    let mut other_prekey = Person::new("bob");
    other_prekey.account = bob.person.account;
    other_prekey.identity = bob.person.identity.clone();
    other_prekey.prekey = PrekeySecret::generate(PrekeyId(2), 2, &mut UnwrapErr(getrandom::SysRng));
    let mut other_identity = Person::new("carol");
    other_identity.account = carol.person.account;

    let envelope = alice.person.seal("hi", &[&other_prekey, &other_identity]);
    let refusal = stage.send(&alice, &envelope).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::StaleKeys, 409));
    let mut stale: Vec<AccountId> = vec![bob.person.account, carol.person.account];
    stale.sort_unstable();
    assert_eq!(refusal.accounts, stale);
}

#[tokio::test]
async fn a_page_asks_for_something() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let nothing = FetchPage { after: Cursor::START, limit: 0 };
    assert_eq!(stage.relay.fetch_page(&alice.caller, nothing).await.unwrap_err().code, Code::InvalidRequest);
    let much = FetchPage { after: Cursor(u64::MAX), limit: u32::MAX };
    assert_eq!(stage.relay.fetch_page(&alice.caller, much).await.unwrap().end, Cursor(0));
}

#[tokio::test]
async fn a_subscriber_hears_of_what_was_there_and_of_what_comes() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    stage.send(&alice, &alice.person.seal("one", &[&bob.person])).await.unwrap();

    let mut ends = stage.relay.subscribe(&bob.caller).await.unwrap();
    assert_eq!(ends.next().await, Some(Notice::Grown(Cursor(1))));
    assert_eq!(ends.next().now_or_never(), None);
    stage.send(&alice, &alice.person.seal("two", &[&bob.person])).await.unwrap();
    stage.send(&bob, &bob.person.seal("three", &[&alice.person])).await.unwrap();
    assert_eq!(ends.next().await, Some(Notice::Grown(Cursor(3))), "a slow reader skips what is outdated");

    stage.relay.logout(&bob.caller, Logout {}).await.unwrap();
    stage.send(&alice, &alice.person.seal("four", &[&bob.person])).await.unwrap();
    assert_eq!(ends.next().await, None, "who signed out hears nothing more");
    assert_eq!(stage.relay.subscribe(&bob.caller).await.err().unwrap().code, Code::NotSignedIn);
    drop(ends);
    assert_eq!(stage.events.subscriptions(), 0);
}

#[tokio::test]
async fn keys_come_in_the_order_in_which_they_were_asked_for() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let [a, b] = [alice.person.account, bob.person.account];
    let stranger = Person::new("stranger").account;
    for order in [[a, stranger, b], [b, a, stranger]] {
        let request = FetchKeys { accounts: order.to_vec() };
        let bundles = stage.relay.fetch_keys(&alice.caller, request).await.unwrap().bundles;
        let known: Vec<AccountId> = order.into_iter().filter(|account| *account != stranger).collect();
        assert_eq!(bundles.iter().map(|bundle| bundle.account).collect::<Vec<_>>(), known);
        assert!(bundles.iter().all(|bundle| bundle.prekey.verify(bundle.account, &bundle.identity).is_ok()));
    }
    let request = FetchKeys { accounts: vec![a; 101] };
    let refusal = stage.relay.fetch_keys(&alice.caller, request).await.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidRequest);
}

#[tokio::test]
async fn users_are_found_in_any_case() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    stage.join("Albert").await;
    stage.join("bob").await;
    let list = async |prefix: &str| {
        let request = ListUsers { prefix: Some(prefix.to_owned()), after: None };
        let users = stage.relay.list_users(&alice.caller, request).await.unwrap();
        assert!(!users.more);
        users.users.iter().map(|user| user.username.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list("AL").await, ["albert", "alice"]);
    assert_eq!(list("").await, ["albert", "alice", "bob"]);
    assert!(list("%").await.is_empty());
}

#[tokio::test]
async fn vault_rows_keep_their_bounds() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let put = async |version: u64, key_id: usize, sealed: usize| {
        let row = Row {
            kind: VaultKind::Pin,
            key_id: Binary(vec![1; key_id]),
            version,
            sealed: Binary(vec![2; sealed]),
        };
        stage.relay.put_row(&alice.caller, PutRow { row, after: None }).await.map_err(|refusal| refusal.code)
    };
    assert!(put(1, 32, 4_096).await.is_ok());
    assert!(put(1, 32, 4_096).await.is_ok(), "the same again");
    assert_eq!(put(1, 32, 4_095).await, Err(Code::VersionConflict));
    let row =
        Row { kind: VaultKind::Pin, key_id: Binary(vec![1; 32]), version: 9, sealed: Binary(vec![2; 40]) };
    let backwards = PutRow { row: row.clone(), after: Some(9) };
    assert_eq!(
        stage.relay.put_row(&alice.caller, backwards).await.unwrap_err().code,
        Code::InvalidRequest,
        "the same version again is no later one"
    );
    assert!(stage.relay.put_row(&alice.caller, PutRow { row, after: Some(1) }).await.is_ok());
    for (version, key_id, sealed) in
        [(0, 16, 10), (u64::MAX, 16, 10), (1, 33, 10), (1, 16, 0), (1, 16, 4_097)]
    {
        assert_eq!(put(version, key_id, sealed).await, Err(Code::InvalidRequest));
    }
}

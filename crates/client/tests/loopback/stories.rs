//! What people do, one thing at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use client::{
    ComposeError, Interruption, MessageState, SignInError, SignUpAttempt, SignUpError, sign_in, sign_up,
};
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal, account::Login, content::TextRefused, mailbox::Send, password::PasswordRefused,
    vault::PutRow,
};
use serde_json::Value;

use crate::{
    device::{Storage, TestDevice},
    people::{Person, form, login},
    world::World,
};

fn alice_and_bob() -> (Arc<World>, Person, Person) {
    let world = World::new(1);
    let alice = Person::signs_up(&world, "alice", 1);
    let bob = Person::signs_up(&world, "bob", 2);
    (world, alice, bob)
}

#[test]
fn an_account_can_live_on_any_thread_if_its_device_can() {
    fn is_send_and_sync<T: core::marker::Send + Sync>(_: &T) {}
    let (_, alice, _) = alice_and_bob();
    is_send_and_sync(&alice.account);
    let account = alice.account;
    let synced = std::thread::spawn(move || block_on(account.sync()));
    assert!(synced.join().unwrap().is_ok());
}

#[test]
fn two_people_write_to_each_other() {
    let (_, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    alice.writes(conversation, "  Hello Bob!  ");
    assert_eq!(alice.states(conversation), [MessageState::Queued]);
    block_on(alice.account.flush()).unwrap();
    assert_eq!(alice.states(conversation), [MessageState::Sent]);

    assert_eq!(bob.syncs().new, 1);
    let [summary] = bob.account.conversations().try_into().unwrap();
    assert_eq!((summary.id, summary.unread), (conversation, 1));
    assert_eq!(summary.others, [alice.account.me().clone()]);
    bob.says(conversation, "Hello Alice!");
    block_on(bob.account.mark_read(conversation)).unwrap();
    assert_eq!(bob.account.conversations()[0].unread, 0);

    alice.syncs();
    bob.syncs();
    let both = ["alice: Hello Bob!", "bob: Hello Alice!"];
    assert_eq!(alice.sees(conversation), both);
    assert_eq!(bob.sees(conversation), both);
    assert_eq!(alice.states(conversation), [MessageState::Sent, MessageState::Received]);
    let numbers = [&alice, &bob].map(|one| {
        let other = if one.account.me() == alice.account.me() { &bob } else { &alice };
        one.account.safety_number(other.account.me().account).unwrap()
    });
    assert_eq!(numbers[0], numbers[1]);
}

#[test]
fn in_a_group_everyone_sees_who_else_reads() {
    let (world, alice, bob) = alice_and_bob();
    let carol = Person::signs_up(&world, "carol", 3);
    let conversation = alice.opens(&[&carol, &bob]);
    alice.says(conversation, "to both");
    carol.syncs();
    carol.says(conversation, "from Carol");
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: to both", "carol: from Carol"]);
    let thread = bob.account.thread(conversation).unwrap();
    let readers = thread.messages[1].readers.iter().map(|reader| reader.username.as_str());
    assert_eq!(readers.collect::<Vec<_>>(), ["alice", "carol"]);
}

#[test]
fn the_history_is_there_on_a_new_device_and_counts_as_read() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    for text in ["one", "two", "three"] {
        alice.says(conversation, text);
    }
    bob.syncs();
    bob.says(conversation, "four");

    let elsewhere = Person::signs_in(&world, "bob", 9);
    assert_eq!(elsewhere.syncs().new, 4);
    assert_eq!(elsewhere.sees(conversation), ["alice: one", "alice: two", "alice: three", "bob: four"]);
    assert_eq!(elsewhere.account.conversations()[0].unread, 0);
    alice.says(conversation, "five");
    elsewhere.syncs();
    assert_eq!(elsewhere.account.conversations()[0].unread, 1);
}

#[test]
fn a_reload_needs_no_network_and_loses_nothing_that_was_written() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "sent");
    alice.syncs();
    alice.writes(conversation, "written, not sent");

    let reloaded = alice.opens_a_tab(&world, 7);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.sees(conversation), ["alice: sent", "alice: written, not sent"]);
    assert_eq!(reloaded.device.calls_to(Send::PATH), 0);
    block_on(reloaded.account.flush()).unwrap();
    reloaded.syncs();
    alice.syncs();
    bob.syncs();
    for person in [&alice, &reloaded, &bob] {
        assert_eq!(person.sees(conversation), ["alice: sent", "alice: written, not sent"]);
    }
    assert!(!alice.storage.names().iter().any(|name| name.contains("/draft/") || name.contains("/sealed/")));
}

#[test]
fn lost_records_come_again_from_the_mailbox() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    for text in ["one", "two", "three"] {
        alice.says(conversation, text);
    }
    bob.syncs();
    let damaged = ["delivery/00000000000000000002", "conversation/"];
    for lost in damaged {
        bob.storage.remove_if(|name| name.contains(lost));
        let reloaded = bob.opens_a_tab(&world, 7);
        reloaded.syncs();
        assert_eq!(reloaded.sees(conversation), ["alice: one", "alice: two", "alice: three"], "{lost}");
    }
}

#[test]
fn nothing_readable_lies_on_the_device() {
    let (_, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    alice.writes(conversation, "nobody else reads this");
    assert!(!alice.storage.holds(b"nobody else"));
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    assert!(!alice.storage.holds(b"nobody else"));
    assert!(!alice.storage.holds(b"bob"));
}

#[test]
fn what_cannot_be_kept_is_not_taken() {
    let (_, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    assert_eq!(
        block_on(alice.account.compose(conversation, " \n ")),
        Err(ComposeError::Text(TextRefused::Empty))
    );
    alice.storage.full.store(true, Ordering::Relaxed);
    assert!(matches!(block_on(alice.account.compose(conversation, "text")), Err(ComposeError::Device(_))));
    assert_eq!(alice.sees(conversation), Vec::<String>::new());
}

#[test]
fn a_lost_answer_to_the_registration_costs_nothing() {
    let mut finished = 0;
    for seed in 0..60 {
        let world = World::new(seed);
        let storage = Storage::default();
        let device = TestDevice::new(&world, &storage, seed);
        device.set_faults(35);
        let attempt = block_on(SignUpAttempt::prepare(Arc::clone(&device), form("alice"))).unwrap();
        let first = block_on(attempt.register());
        device.set_faults(0);
        let (account, recovery_key) = match first {
            Ok(done) => done,
            Err(error) => {
                assert_eq!(error, SignUpError::Interrupted(Interruption::Unreachable), "seed {seed}");
                finished += 1;
                block_on(attempt.register()).unwrap()
            }
        };
        // The account that stands is the one whose recovery key was shown.
        let elsewhere = Person::signs_in(&world, "alice", seed + 1000);
        assert_eq!(elsewhere.account.me(), account.me());
        assert_eq!(elsewhere.account.account_key(), account.account_key());
        assert!(recovery_key.to_text().len() > 40);
    }
    assert!(finished > 5, "the faults must hit some registrations");
}

#[test]
fn what_is_wrong_with_a_form_is_told() {
    let (world, ..) = alice_and_bob();
    let storage = Storage::default();
    let device = TestDevice::new(&world, &storage, 5);
    let mut weak = form("dave");
    weak.password = "short1!".to_owned().into();
    let error = block_on(sign_up(Arc::clone(&device), weak)).err();
    assert_eq!(error, Some(SignUpError::Password(PasswordRefused::TooShort)));
    let error = block_on(sign_up(Arc::clone(&device), form("alice"))).err();
    assert_eq!(error, Some(SignUpError::UsernameTaken));
    // A failed sign-in would count against the name's owner.
    assert_eq!(device.calls_to(Login::PATH), 0);

    let mut wrong = login("alice");
    wrong.password = "geh im Wald 8 Mal!".to_owned().into();
    assert_eq!(block_on(sign_in(Arc::clone(&device), wrong)).err(), Some(SignInError::WrongCredentials));
    assert_eq!(block_on(sign_in(device, login("nobody1"))).err(), Some(SignInError::WrongCredentials));
}

#[test]
fn logging_out_leaves_nothing_and_ends_the_session() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "text");
    alice.syncs();
    let other_tab = alice.opens_a_tab(&world, 7);
    block_on(alice.account.log_out()).unwrap();
    assert_eq!(alice.storage.names(), Vec::<String>::new());
    assert_eq!(alice.account.conversations(), []);
    assert_eq!(block_on(other_tab.account.flush()), Ok(()));
    let ended = client::SyncError::Interrupted(Interruption::SessionEnded);
    assert_eq!(block_on(other_tab.account.sync()), Err(ended));
    // What was still under way in the tab that logged out writes nothing any more.
    assert!(block_on(alice.account.compose(conversation, "too late")).is_err());
}

#[test]
fn what_another_tab_sent_under_the_same_id_is_found_in_the_mailbox() {
    let (_, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    alice.writes(conversation, "once");
    alice.device.set_hostility(
        |path, _, honest| {
            if path == Send::PATH { Err(Code::Internal.into()) } else { honest }
        },
    );
    assert!(block_on(alice.account.flush()).is_err_and(|error| error.passes_by_itself()));
    assert_eq!(alice.states(conversation), [MessageState::Queued]);

    // The server has it, but the bytes are lost on this device: a second sealing would be a second message.
    alice.storage.remove_if(|name| name.contains("/sealed/"));
    alice.device.set_hostility(|_, _, honest| honest);
    block_on(alice.account.flush()).unwrap();
    assert_eq!(alice.states(conversation), [MessageState::Sent]);
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: once"]);
}

#[test]
fn what_is_refused_for_good_fails_with_the_servers_words_and_can_be_retried() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    let message = block_on(alice.account.compose(conversation, "text")).unwrap();
    alice.device.set_hostility(
        |path, _, honest| {
            if path == Send::PATH { Err(Code::QuotaExceeded.into()) } else { honest }
        },
    );
    block_on(alice.account.flush()).unwrap();
    let failed = MessageState::Failed("A limit of this account is reached".into());
    assert_eq!(alice.states(conversation), std::slice::from_ref(&failed));
    let reloaded = alice.opens_a_tab(&world, 7);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.states(conversation), [failed]);

    block_on(reloaded.account.retry(message)).unwrap();
    assert_eq!(reloaded.states(conversation), [MessageState::Queued]);
    block_on(reloaded.account.flush()).unwrap();
    assert_eq!(reloaded.states(conversation), [MessageState::Sent]);
}

#[test]
fn stale_keys_are_fetched_again_and_the_message_is_sealed_anew() {
    let (_, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    for _ in 0..2 {
        alice.device.refuse_next(Send::PATH, Code::StaleKeys);
    }
    alice.says(conversation, "once");
    assert_eq!(alice.device.calls_to(Send::PATH), 3);
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: once"]);
}

#[test]
fn a_discarded_message_is_gone_and_a_listener_hears_of_changes() {
    let (_, alice, bob) = alice_and_bob();
    let heard = Arc::new(AtomicUsize::new(0));
    let hears = Arc::clone(&heard);
    alice.account.on_change(move || {
        hears.fetch_add(1, Ordering::Relaxed);
    });
    let conversation = alice.opens(&[&bob]);
    let message = block_on(alice.account.compose(conversation, "never mind")).unwrap();
    let before = heard.load(Ordering::Relaxed);
    block_on(alice.account.discard(message)).unwrap();
    assert!(heard.load(Ordering::Relaxed) > before);
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    assert_eq!(alice.sees(conversation), Vec::<String>::new());
    assert_eq!(bob.syncs().new, 0);
}

#[test]
fn many_pages_come_in_order() {
    let (world, alice, bob) = alice_and_bob();
    let conversation = alice.opens(&[&bob]);
    let texts: Vec<String> = (0..450).map(|number| format!("number {number}")).collect();
    for text in &texts {
        alice.writes(conversation, text);
        world.pass_time(1);
    }
    block_on(alice.account.flush()).unwrap();
    assert_eq!(bob.syncs().new, 450);
    let seen = bob.sees(conversation);
    assert!(seen.iter().zip(&texts).all(|(seen, text)| *seen == format!("alice: {text}")));
    assert_eq!(bob.syncs().new, 0);
}

/// All tabs of a browser share one cookie. A tab that slept through it must not take another account's mailbox for its
/// own, nor write into another account's vault.
#[test]
fn a_tab_notices_that_somebody_else_signed_in_beside_it() {
    let (world, alice, bob) = alice_and_bob();
    let carol = Person::signs_up(&world, "carol", 3);
    let of_all = carol.opens(&[&alice, &bob]);
    let (to_bob, to_carol) = (alice.opens(&[&bob]), alice.opens(&[&carol]));
    alice.says(to_bob, "we have met");
    let beside = TestDevice::new(&world, &alice.storage, 7);
    block_on(sign_in(beside, login("bob"))).unwrap();
    carol.says(of_all, "for Alice and Bob");

    let message = block_on(alice.account.compose(to_bob, "as ever")).unwrap();
    assert_eq!(block_on(alice.account.flush()), Err(Interruption::SessionEnded));
    assert_eq!(alice.states(to_bob).last(), Some(&MessageState::Queued));
    block_on(alice.account.discard(message)).unwrap();
    alice.writes(to_carol, "we have not met");
    assert_eq!(block_on(alice.account.flush()), Err(Interruption::SessionEnded));
    assert_eq!(alice.states(to_carol), [MessageState::Queued]);
    assert_eq!(block_on(alice.account.sync()), Err(Interruption::SessionEnded.into()));

    // Bob's vault is his own, and when Alice has signed in again, all is there and goes out.
    Person::signs_in(&world, "bob", 8);
    let device = TestDevice::new(&world, &alice.storage, 9);
    let again = block_on(sign_in(device, login("alice"))).unwrap();
    assert_eq!(block_on(again.sync()).unwrap().new, 2, "her own from before, and Carol's");
    block_on(again.flush()).unwrap();
    carol.syncs();
    assert_eq!(carol.sees(to_carol), ["alice: we have not met"]);
}

/// A full vault. The server's honest answer to a pin that grows.
#[test]
fn a_full_vault_does_not_stop_receiving() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sends(conversation, "hello");
    bob.syncs();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.syncs();
    tablet.sends(conversation, "from a new device");
    bob.device.set_hostility(|path: &str, request: &Value, honest: Result<Value, Refusal>| {
        if path == PutRow::PATH && request["row"]["kind"] == "pin" {
            Err(Code::QuotaExceeded.into())
        } else {
            honest
        }
    });
    let synced = block_on(bob.account.sync());
    assert!(synced.is_ok(), "{synced:?}");
    assert_eq!(bob.sees(conversation), ["alice: hello", "alice: from a new device"]);
}

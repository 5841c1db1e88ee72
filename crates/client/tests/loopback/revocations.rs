//! Ends of devices that are interrupted, refused or heard late: each the story in which it once went wrong.

use std::sync::{Arc, atomic::Ordering};

use client::{Device as _, MessageState};
use crypto::{device_log::Change, prekey::PrekeyKind};
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    device::{AppendLog, FetchLogs, LogAfter},
    prekey::{FetchPrekeyStatus, PublishPrekeys},
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, device_of, kinds, log_of, opens_for_any},
    people::Person,
    set_back_lies::begins_anew,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a device that is revoked has made and not published is what is published after its end.
#[test]
fn after_a_revocation_no_prekey_serves_that_the_device_had() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    // A refill that was interrupted: the batch stands in the vault, and the thief's device has it.
    for number in 0..60 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    world.pass_time(60 * 60 * 1_000);
    for number in 60..75 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(stolen.account.maintain()).is_err());
    let had = Loot::of(&stolen);
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    world.pass_time(60 * 60 * 1_000);
    let message = alice.sends(conversation, "after the end");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// The same with the signed prekey: the device only needs to leave the next one in the vault.
#[test]
fn an_interrupted_revocation_is_finished() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    let had = Loot::of(&stolen);
    // The page is closed (or the network goes) right after the log has taken the entry.
    bob.device.refuse_next(FetchPrekeyStatus::PATH, Code::StoreUnavailable);
    assert!(block_on(bob.account.end_session(stolen.account.session().session)).is_err());
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    for _ in 0..3 {
        bob.maintains();
    }
    let message = alice.sends(conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// What the document says of revocations does not happen at a new password.
#[test]
fn after_a_new_password_no_prekey_serves_that_a_revoked_device_had() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    let had = Loot::of(&stolen);
    let confirmation =
        client::Confirmation { password: crate::people::PASSWORD.to_owned().into(), code: None };
    block_on(bob.account.change_password(&confirmation, "ganz neu 8 Mal!")).unwrap();
    bob.maintains();
    assert_eq!(log_of(&bob).active().count(), 1, "the stolen device was revoked");
    let message = alice.sends(conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// A full log (or whatever refuses the entry) leaves the thief's session as it is.
#[test]
fn a_session_is_ended_though_the_log_takes_no_more() {
    let (world, _, bob, _) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    bob.device.set_hostility(|path: &str, _: &Value, honest: Result<Value, Refusal>| {
        // The relay's honest answer to entry 10 001: a device can fill the log in one evening.
        if path == protocol::device::AppendLog::PATH { Err(Code::QuotaExceeded.into()) } else { honest }
    });
    // (The hostility sees the answer only; the relay must not have taken it.)
    bob.device.answer_next(protocol::device::AppendLog::PATH, json!({"never": "an answer"}));
    let ended = block_on(bob.account.end_session(stolen.account.session().session));
    assert!(block_on(stolen.account.sync()).is_err(), "{ended:?}");
}

/// Entries that are known already, as many as an answer holds: the device asks for ever, and never takes a breath.
#[test]
fn repeated_log_entries_end_sometime() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sends(conversation, "hello");
    bob.syncs();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.syncs();
    tablet.sends(conversation, "from a new device");
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let mut kept = None;
    bob.device.set_hostility(move |path: &str, _: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        // Stands for a server that does so for ever.
        if path == FetchLogs::PATH && count.fetch_add(1, Ordering::Relaxed) < 30 {
            let log = &mut answer["logs"].as_array_mut().unwrap()[0];
            kept = kept.take().or_else(|| log.as_array().unwrap().first().cloned());
            *log = json!(vec![kept.clone().unwrap(); 2_000]);
        }
        Ok(answer)
    });
    let _ = block_on(bob.account.sync());
    assert!(asked.load(Ordering::Relaxed) < 5, "{} times", asked.load(Ordering::Relaxed));
}

/// The stolen device says that its session is the owner's laptop.
#[test]
fn after_a_revocation_no_prekey_serves_that_a_device_had_which_lies_about_itself() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    let had = Loot::of(&stolen);
    // The laptop's entry is public; said once more, it binds another session of the account.
    let (laptop, _) = device_of(&bob);
    let log = LogAfter {
        account: bob.account.me().account,
        identity: had.identity().public().fingerprint(),
        after: 0,
    };
    let logs = block_on(stolen.device.call(FetchLogs { logs: vec![log] })).unwrap();
    let entry = logs.logs[0]
        .iter()
        .find(|entry| matches!(entry.change(), Change::Added(added, _) if added == laptop));
    let entry = entry.unwrap().clone();
    block_on(stolen.device.call(AppendLog { entry })).unwrap();
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    assert!(block_on(stolen.account.sync()).is_err());
    bob.maintains();
    assert_eq!(log_of(&bob).active().count(), 1);
    let message = alice.sends(conversation, "after the end");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// Who signed in with the password and has seen the vault, and never said which device it is.
#[test]
fn after_a_session_without_a_device_is_ended_no_prekey_serves_that_it_had() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    let had = Loot::of(&stolen);
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    assert!(block_on(stolen.account.sync()).is_err());
    bob.maintains();
    let message = alice.sends(conversation, "after the end");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    assert!(!opens_for_any(&world, &[had], &alice, message), "the ended session's browser opens it alone");
}

/// The session of a phone ended by time, another device tidied up; a disappearing message waits for the phone.
#[test]
fn what_waits_for_a_device_that_was_tidied_away_is_read() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let phone = Person::signs_in(&world, "bob", 9);
    for person in [&alice, &bob, &phone] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(30 * 24 * 3_600));
    phone.syncs();
    alice.says(conversation, "for a month");
    for _ in 0..2 {
        world.pass_time(5 * DAY_MS);
        bob.maintains();
    }
    let phone = phone.signs_in_again(&world, "bob", 90);
    phone.maintains();
    phone.syncs();
    assert_eq!(phone.sees(conversation).last().unwrap(), "alice: for a month");
}

/// And it reads before its upkeep.
#[test]
fn what_waits_for_a_device_that_was_tidied_away_is_read_at_once() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let phone = Person::signs_in(&world, "bob", 9);
    for person in [&alice, &bob, &phone] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(30 * 24 * 3_600));
    phone.syncs();
    alice.says(conversation, "for a month");
    for _ in 0..2 {
        world.pass_time(5 * DAY_MS);
        bob.maintains();
    }
    let phone = phone.signs_in_again(&world, "bob", 90);
    phone.syncs();
    assert_eq!(phone.sees(conversation).last().unwrap(), "alice: for a month");
}

/// A disappearing message waits for the user's word; its device was ended and signed in again.
#[test]
fn what_waits_for_a_word_on_a_former_device_opens() {
    for upkeep in [false, true] {
        let (world, alice, bob, conversation) = Person::acquainted_couple();
        let phone = Person::signs_in(&world, "bob", 9);
        for person in [&alice, &bob, &phone] {
            person.maintains();
        }
        let again = begins_anew(&world, "alice", 40);
        again.maintains();
        assert_eq!(again.opens(&[&bob]), conversation);
        again.sets_timer(conversation, Some(30 * 24 * 3_600));
        again.says(conversation, "for a month");
        assert_eq!(again.states(conversation).last(), Some(&MessageState::Sent));
        phone.syncs();
        for _ in 0..2 {
            world.pass_time(5 * DAY_MS);
            bob.maintains();
        }
        let phone = phone.signs_in_again(&world, "bob", 90);
        phone.syncs();
        if upkeep {
            phone.maintains();
        }
        block_on(phone.account.look_at_keys(conversation)).unwrap();
        phone.accepts(&again);
        phone.syncs();
        assert_eq!(phone.sees(conversation).last().unwrap(), "alice: for a month", "upkeep {upkeep}");
    }
}

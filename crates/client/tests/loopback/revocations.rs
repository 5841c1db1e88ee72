//! Ends of devices that are interrupted, refused or heard late: each the story in which it once went wrong.

use std::sync::{Arc, atomic::Ordering};

use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    device::FetchLogs,
    prekey::{FetchPrekeyStatus, PublishPrekeys},
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, kinds, log_of, opens_for_any},
    people::Person,
};

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

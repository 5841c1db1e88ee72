//! Device logs, sessions and vaults that are given back to a restored server: each the story in which it once went wrong.

use std::sync::Arc;

use client::MessageState;
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    prekey::{ClaimPrekeys, FetchPrekeyStatus, PublishPrekeys},
    vault::PutRow,
};
use serde_json::json;

use crate::{
    attacker::{device_of, kinds, log_of},
    device::TestDevice,
    people::Person,
    set_back_lies::begins_anew,
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Honest: a device came and went since the copy.
#[test]
fn giving_back_a_device_that_came_and_went_ends_nobodys_session() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let terminal = Person::signs_in(&world, "alice", 7);
    terminal.maintains();
    block_on(terminal.account.log_out()).unwrap();
    alice.maintains();
    alice.says(conversation, "lost on the server");
    alice.syncs();
    bob.syncs();
    world.restore_store(&backup);
    let maintained = block_on(alice.account.maintain());
    assert_eq!(maintained, Ok(()), "she was not signed out");
    alice.syncs();
}

/// Honest: written between the restoration and the next upkeep, and another device signs in.
#[test]
fn what_is_written_under_a_lost_head_arrives_all_the_same() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    alice.maintains();
    world.restore_store(&backup);
    alice.says(conversation, "nobody has noticed yet");
    assert_eq!(alice.states(conversation).last(), Some(&MessageState::Sent));
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.maintains();
    block_on(alice.account.flush()).unwrap();
    for _ in 0..4 {
        bob.maintains();
        alice.maintains();
        world.pass_time(3 * DAY_MS);
    }
    bob.syncs();
    alice.syncs();
    assert_eq!(alice.sees(conversation).last().unwrap(), "alice: nobody has noticed yet");
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: nobody has noticed yet");
}

/// Honest: added and ended since the copy, with a session that the copy knows; another device signs in first.
#[test]
fn a_device_whose_whole_life_was_lost_does_not_come_back() {
    let (world, alice, _bob, _conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "alice", 6);
    let backup = world.copy_store();
    stolen.maintains();
    let (id, _) = device_of(&stolen);
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    world.restore_store(&backup);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.maintains();
    alice.maintains();
    let _ = block_on(stolen.account.maintain());
    assert!(log_of(&laptop).active().all(|(device, _)| device != id), "the ended device is active again");
}

/// Honest: the thief's session began before the copy, its device was added and ended after it.
#[test]
fn giving_back_an_end_does_not_end_the_wrong_session() {
    let (world, alice, _, _) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "alice", 6);
    let backup = world.copy_store();
    stolen.maintains();
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    assert!(block_on(stolen.account.sync()).is_err());
    world.restore_store(&backup);
    let alices = block_on(alice.account.maintain());
    let thiefs = block_on(stolen.account.sync());
    assert_eq!((alices.is_ok(), thiefs.is_ok()), (true, false), "{alices:?} {thiefs:?}");
}

/// The owner is asked about herself.
#[test]
fn nobody_is_asked_about_their_own_devices() {
    let (world, alice, _, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    alice.maintains();
    world.restore_store(&backup);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    alice.says(conversation, "nobody has noticed yet");
    alice.syncs();
    assert_eq!(alice.account.thread(conversation).unwrap().changed_keys, []);
}

/// The server is honest and was set back; the thief is quicker than the owner. Bob had heard of the end.
#[test]
fn who_has_heard_of_an_end_does_not_believe_the_thief_after_the_server_was_set_back() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.maintains();
    let backup = world.copy_store();
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    alice.says(conversation, "it was stolen");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: it was stolen");
    world.restore_store(&backup);
    world.pass_time(1_000);
    stolen.opens(&[&bob]);
    stolen.says(conversation, "from the thief");
    bob.syncs();
    alice.maintains();
    bob.maintains();
    let seen = bob.sees(conversation);
    assert!(!seen.contains(&"alice: from the thief".to_owned()), "{seen:?}");
}

/// Honest: the copy is from before a contact's reset.
#[test]
fn what_is_written_under_the_key_of_a_copy_waits_for_a_word() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let again = begins_anew(&world, "bob", 40);
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    alice.accepts(&again);
    world.restore_store(&backup);
    alice.maintains();
    bob.says(conversation, "it is me again, with the key of before");
    let synced = alice.syncs();
    block_on(alice.account.look_at_keys(conversation)).unwrap();
    alice.accepts(&bob);
    alice.syncs();
    let seen = alice.sees(conversation);
    assert_eq!(seen.last().unwrap(), "bob: it is me again, with the key of before", "{synced:?}");
}

/// Honest: a new device makes prekeys on the server that was set back; an old one gives its row of the same slot back.
#[test]
fn a_vault_that_is_given_back_takes_no_keys_away_that_were_made_meanwhile() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let carol = Person::signs_up(&world, "carol", 66);
    carol.maintains();
    let gone = Person::signs_in(&world, "bob", 7);
    gone.maintains();
    bob.maintains();
    let backup = world.copy_store();
    // A new batch, and two of it are used.
    block_on(bob.account.end_session(gone.account.session().session)).unwrap();
    for text in ["three", "four"] {
        alice.says(conversation, text);
        bob.syncs();
    }
    world.restore_store(&backup);
    world.pass_time(1_000);
    let laptop = Person::signs_in(&world, "bob", 9);
    laptop.maintains();
    let with_carol = carol.opens(&[&laptop]);
    let message = carol.sends(with_carol, "by a new prekey");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    // Without this line the laptop reads it.
    bob.maintains();
    for _ in 0..2 {
        laptop.maintains();
        bob.maintains();
    }
    for person in [&laptop, &bob] {
        assert_eq!(person.sees(with_carol), ["carol: by a new prekey"]);
    }
}

/// Honest: two devices give back what they have at the same moment; one of them calls the server a liar.
#[test]
fn two_devices_that_give_back_at_once_blame_nobody() {
    use core::{
        future::Future as _,
        sync::atomic::Ordering,
        task::{Context, Waker},
    };
    let mut blamed = 0;
    for seed in 1..=12 {
        let (world, alice, bob, conversation) = Person::acquainted_couple();
        let backup = world.copy_store();
        alice.says(conversation, "three");
        bob.syncs();
        let desk = Person::signs_in(&world, "bob", 5);
        alice.says(conversation, "four");
        bob.syncs();
        world.restore_store(&backup);
        let page = bob.opens_a_tab(&world, seed);
        page.device.unsteady.store(true, Ordering::Relaxed);
        let mut upkeep = Box::pin(page.account.maintain());
        let mut context = Context::from_waker(Waker::noop());
        let mut outcome = None;
        while page.device.calls_to(protocol::vault::FetchRows::PATH) == 0 {
            if let core::task::Poll::Ready(done) = upkeep.as_mut().poll(&mut context) {
                outcome = Some(done);
                break;
            }
        }
        // The desk knows an older state of the vault; it signs in anew and gives that back.
        let device = TestDevice::new(&world, &desk.storage, seed + 50);
        let form = crate::people::login("bob");
        let desk = block_on(client::sign_in(device, form)).unwrap();
        let _ = block_on(desk.maintain());
        let outcome = outcome.unwrap_or_else(|| block_on(upkeep));
        blamed += usize::from(outcome.is_err());
        if let Err(error) = outcome {
            println!("seed {seed}: {error}");
        }
    }
    assert_eq!(blamed, 0);
}

/// A vault that another device has filled meanwhile: nothing is read and nothing is done any more.
#[test]
fn a_vault_that_takes_a_lost_row_no_more_stops_nobody() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let carol = Person::signs_up(&world, "carol", 66);
    let backup = world.copy_store();
    let with_carol = carol.opens(&[&bob]);
    carol.says(with_carol, "hi");
    bob.syncs();
    world.restore_store(&backup);
    let carols = json!(protocol::Binary(carol.account.me().account.to_bytes().to_vec()));
    bob.device.set_hostility(move |path, request, honest| {
        // Strangers' pins have filled it.
        if path == protocol::vault::PutRow::PATH && request["row"]["key_id"] == carols {
            return Err(protocol::Code::QuotaExceeded.into());
        }
        let mut answer = honest?;
        if path == protocol::vault::FetchRows::PATH {
            answer["rows"].as_array_mut().unwrap().retain(|row| row["key_id"] != carols);
        }
        Ok(answer)
    });
    alice.maintains();
    alice.says(conversation, "still here");
    let _ = block_on(bob.account.maintain());
    assert_eq!(block_on(bob.account.maintain()), Ok(()));
}

/// Honest: the machine is set back between the moment in which a batch is in the vault and the one in which it is published,
/// and another device makes a batch of the same numbers.
#[test]
fn two_batches_of_the_same_numbers_both_open_what_comes() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let tablet = Person::signs_in(&world, "alice", 7);
    let conversation = bob.opens(&[&alice]);
    alice.opens(&[&bob]);
    alice.says(conversation, "one");
    tablet.syncs();
    tablet.says(conversation, "two");
    alice.syncs();
    let (backup, there) = (world.copy_store(), Arc::clone(&world));
    let mut is_set_back = false;
    alice.device.set_hostility(move |path, request, honest| {
        if path == PutRow::PATH && request["row"]["kind"] == json!("one_time_prekeys") && !is_set_back {
            is_set_back = true;
            there.restore_machine(&backup);
        }
        honest
    });
    // Her word about what there is was on its way before the batch was published.
    let mut is_first = true;
    tablet.device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == FetchPrekeyStatus::PATH && core::mem::take(&mut is_first) {
            for none in ["one_time_left", "last_one_time"] {
                answer[none] = json!(0);
            }
            answer["one_time_outstanding"] = json!([]);
        }
        Ok(answer)
    });
    alice.maintains();
    tablet.maintains();
    bob.says(conversation, "hello");
    for person in [&alice, &tablet] {
        person.maintains();
        assert_eq!(person.sees(conversation), ["alice: one", "alice: two", "bob: hello"]);
    }
}

/// Honest: the server is set back between the moment in which a signed prekey is in the vault and the one in which it is
/// published, and the browser that has it is never opened again.
#[test]
fn a_published_prekey_that_nobody_has_any_more_is_replaced() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for _ in 0..2 {
        alice.syncs();
        bob.syncs();
        world.pass_time(4 * DAY_MS);
    }
    closes_after_publishing(&world, &alice, "prekey");
    assert!(block_on(alice.account.maintain()).is_err(), "it is closed");
    let elsewhere = Person::signs_in(&world, "alice", 8);
    assert_eq!(elsewhere.prekey_status().signed.sequence(), 2, "it was published");
    elsewhere.maintains();
    bob.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    bob.says(conversation, "by the signed one");
    elsewhere.syncs();
    assert_eq!(elsewhere.sees(conversation).last().unwrap(), "bob: by the signed one");
}

/// The same with a batch of one-time prekeys.
#[test]
fn a_published_batch_that_nobody_has_any_more_is_replaced() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let conversation = bob.opens(&[&alice]);
    alice.opens(&[&bob]);
    alice.says(conversation, "one");
    closes_after_publishing(&world, &alice, "one_time_prekeys");
    assert!(block_on(alice.account.maintain()).is_err(), "it is closed");
    let elsewhere = Person::signs_in(&world, "alice", 8);
    assert_eq!(elsewhere.prekey_status().one_time_left, 100, "it was published");
    elsewhere.maintains();
    bob.says(conversation, "hello");
    elsewhere.syncs();
    assert_eq!(elsewhere.sees(conversation).last().unwrap(), "bob: hello");
}

/// Heard of a longer log that the server has lost; a device of the shorter one wrote, and was ended after that.
#[test]
fn what_a_device_of_a_shorter_log_wrote_before_its_end_is_read() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let others = [5, 6, 7, 8].map(|seed| Person::signs_in(&world, "alice", seed));
    for other in &others {
        other.maintains();
    }
    alice.maintains();
    alice.says(conversation, "by many devices");
    bob.syncs();
    world.restore_store(&backup);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    laptop.opens(&[&bob]);
    laptop.says(conversation, "from the laptop");
    alice.maintains();
    // Days later, in honour.
    block_on(alice.account.end_session(laptop.account.session().session)).unwrap();
    bob.syncs();
    if bob.account.key_change(alice.account.me().account).is_some() {
        bob.accepts(&alice);
    }
    for _ in 0..3 {
        bob.maintains();
    }
    let fresh = Person::signs_in(&world, "bob", 19);
    fresh.syncs();
    let seen = bob.sees(conversation);
    assert!(seen.contains(&"alice: from the laptop".to_owned()), "{seen:?}");
}

/// Right after this device has put a key into the vault, the server is set back to a copy from right before; the key is
/// published, and the device is heard of no more.
fn closes_after_publishing(world: &Arc<World>, person: &Person, kind: &'static str) {
    let (backup, there) = (world.copy_store(), Arc::clone(world));
    let (mut is_set_back, mut is_closed) = (false, false);
    person.device.set_hostility(move |path, request, honest| {
        if path == PutRow::PATH && request["row"]["kind"] == json!(kind) && !is_set_back {
            is_set_back = true;
            there.restore_machine(&backup);
        }
        is_closed |= path == PublishPrekeys::PATH;
        if is_closed { Err(Refusal::from(Code::Busy)) } else { honest }
    });
}

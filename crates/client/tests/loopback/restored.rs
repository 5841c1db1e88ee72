//! A server that was set back to a backup: nothing that a device has is lost, and writing goes on.

use client::{KeyChange, MessageState, Repair};
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::{Call, vault::PutRow};

use crate::{
    attacker::{Loot, kinds, log_of, opens_for_any},
    people::Person,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[test]
fn what_the_server_has_lost_stays_on_the_devices_and_what_is_new_arrives() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    for text in ["three", "four", "five"] {
        world.pass_time(1_000);
        alice.says(conversation, text);
    }
    bob.syncs();
    alice.syncs();
    let all = ["alice: one", "bob: two", "alice: three", "alice: four", "alice: five"];
    assert_eq!(bob.sees(conversation), all);

    world.restore_store(&backup);
    world.pass_time(1_000);
    bob.maintains();
    alice.maintains();
    for person in [&alice, &bob] {
        assert_eq!(person.sees(conversation), all);
        assert!(person.repairs().contains(&Repair::MailboxSetBack), "{:?}", person.repairs());
    }
    bob.says(conversation, "six");
    alice.says(conversation, "seven");
    let now: Vec<&str> = all.into_iter().chain(["bob: six", "alice: seven"]).collect();
    for person in [&alice, &bob] {
        person.syncs();
        assert_eq!(person.sees(conversation), now);
    }
    let reloaded = bob.opens_a_tab(&world, 7);
    reloaded.syncs();
    assert_eq!(reloaded.sees(conversation), now, "also after a reload");
    let fresh = Person::signs_in(&world, "bob", 8);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), ["alice: one", "bob: two", "bob: six", "alice: seven"]);
}

/// More has come since than was lost, so that the end alone tells nothing.
#[test]
fn places_that_were_counted_anew_are_noticed() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    world.pass_time(1_000);
    alice.says(conversation, "lost");
    bob.syncs();
    alice.syncs();
    world.restore_store(&backup);
    world.pass_time(1_000);
    alice.maintains();
    for text in ["after one", "after two"] {
        alice.says(conversation, text);
    }
    bob.maintains();
    let all = ["alice: one", "bob: two", "alice: lost", "alice: after one", "alice: after two"];
    assert_eq!(bob.sees(conversation), all);
    alice.syncs();
    assert_eq!(alice.sees(conversation), all);
}

/// A one-time prekey of the copy has served since, and the signed one was replaced: whoever writes before its owner's devices
/// have noticed anything is read all the same.
#[test]
fn what_is_written_before_anybody_has_noticed_is_read() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let carol = Person::signs_up(&world, "carol", 66);
    carol.maintains();
    world.pass_time(6 * DAY_MS);
    for person in [&alice, &bob, &carol] {
        person.maintains();
    }
    let backup = world.copy_store();
    world.pass_time(DAY_MS + 1);
    bob.maintains();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    bob.maintains();
    world.restore_store(&backup);
    // Carol has never seen a key of Bob's that is newer.
    let with_carol = carol.opens(&[&bob]);
    let message = block_on(carol.account.compose(with_carol, "good morning")).unwrap();
    block_on(carol.account.flush()).unwrap();
    assert_eq!(kinds(&world, message), [PrekeyKind::Signed], "none that serves once is handed out");
    for _ in 0..2 {
        bob.maintains();
    }
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    for reader in [&bob, &fresh] {
        assert_eq!(reader.sees(with_carol), ["carol: good morning"]);
    }
    let message = block_on(carol.account.compose(with_carol, "and again")).unwrap();
    block_on(carol.account.flush()).unwrap();
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime], "there are new ones");
    bob.syncs();
    assert_eq!(bob.sees(with_carol).last().unwrap(), "carol: and again");
}

#[test]
fn keys_that_are_used_up_are_not_handed_out_once_more() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    let left = Loot::of(&bob).prekeys(PrekeyKind::OneTime);
    world.restore_machine(&backup);
    for person in [&bob, &alice] {
        person.maintains();
    }
    assert!(bob.repairs().contains(&Repair::PrekeysReplaced));
    assert!(bob.repairs().contains(&Repair::VaultRestored));
    assert!(Loot::of(&bob).prekeys(PrekeyKind::OneTime) > left);
    let message = block_on(alice.account.compose(conversation, "by a living key")).unwrap();
    block_on(alice.account.flush()).unwrap();
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: by a living key");
    let fresh = Person::signs_in(&world, "bob", 8);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation).last().unwrap(), "alice: by a living key");
}

#[test]
fn a_device_that_the_backup_does_not_know_signs_in_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    world.pass_time(1_000);
    tablet.says(conversation, "from the tablet");
    world.pass_time(1_000);
    alice.maintains();
    bob.syncs();
    world.restore_store(&backup);
    assert!(block_on(tablet.account.sync()).is_err(), "its session is gone");
    alice.maintains();
    assert!(alice.repairs().contains(&Repair::DeviceLogRestored), "{:?}", alice.repairs());
    bob.maintains();
    let again = Person::signs_in(&world, "alice", 9);
    again.maintains();
    again.says(conversation, "from the tablet again");
    bob.syncs();
    alice.syncs();
    let all = ["alice: one", "bob: two", "alice: from the tablet", "alice: from the tablet again"];
    assert_eq!(bob.sees(conversation), all);
    assert_eq!(alice.sees(conversation), all);
}

/// A server that only claims to have lost something: the same comes again, once.
#[test]
fn a_server_that_only_says_so_changes_nothing() {
    let (_, _, bob, conversation) = Person::acquainted_couple();
    let lies = std::cell::Cell::new(3);
    bob.device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == "/fn/mailbox/page" && lies.get() > 0 {
            lies.set(lies.get() - 1);
            answer["items"] = serde_json::json!([]);
            answer["end"] = serde_json::json!(1);
        }
        Ok(answer)
    });
    for _ in 0..2 {
        // It contradicts itself: that is said, and nothing is lost.
        let _ = block_on(bob.account.sync());
    }
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: one", "bob: two"]);
}

/// Entries are lost that Bob has seen, and before Alice's devices can give them back another one signs in. Alice's come to
/// one log by themselves, what was ended stays so; Bob is asked once, on one of his devices.
#[test]
fn a_device_that_signs_in_before_lost_entries_came_back_locks_nobody_out() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let desk = Person::signs_in(&world, "bob", 5);
    desk.syncs();
    let stolen = Person::signs_in(&world, "alice", 6);
    stolen.maintains();
    let backup = world.copy_store();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    world.pass_time(1_000);
    tablet.says(conversation, "from the tablet");
    world.pass_time(1_000);
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    alice.says(conversation, "one was stolen");
    bob.syncs();
    desk.syncs();

    world.restore_store(&backup);
    world.pass_time(1_000);
    let laptop = Person::signs_in(&world, "alice", 9);
    laptop.maintains();
    laptop.says(conversation, "before anybody knew");
    alice.maintains();
    alice.maintains();
    laptop.maintains();
    // What had not come back when it was lost is sent again.
    block_on(alice.account.flush()).unwrap();
    assert!(alice.repairs().contains(&Repair::DeviceLogJoined), "{:?}", alice.repairs());
    assert_eq!(log_of(&alice).active().count(), 2, "the stolen one is ended again");
    assert!(block_on(stolen.account.sync()).is_err());

    // Bob holds what he cannot verify, and is asked.
    bob.maintains();
    bob.writes(conversation, "who is it?");
    block_on(bob.account.flush()).unwrap();
    let thread = bob.account.thread(conversation).unwrap();
    assert_eq!(thread.changed_keys, [alice.account.me().clone()]);
    assert_eq!(bob.account.key_change(alice.account.me().account), Some(KeyChange::Devices));
    let reloaded = bob.opens_a_tab(&world, 11);
    reloaded.syncs();
    reloaded.accepts(&alice);
    let seen = reloaded.sees(conversation);
    assert!(seen.contains(&"alice: before anybody knew".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "bob: who is it?");
    world.pass_time(1_000);
    // It counts for his other tabs and devices, old and new.
    for (person, name) in [(&bob, "tab"), (&desk, "device")] {
        person.syncs();
        person.says(conversation, name);
        assert_eq!(person.account.thread(conversation).unwrap().changed_keys, [], "{name}");
        assert_eq!(person.states(conversation).last(), Some(&MessageState::Sent), "{name}");
    }
    let fresh = Person::signs_in(&world, "bob", 12);
    fresh.syncs();
    assert_eq!(fresh.account.thread(conversation).unwrap().changed_keys, []);
    for person in [&alice, &laptop] {
        person.syncs();
        let seen = person.sees(conversation);
        for text in ["alice: one was stolen", "bob: device"] {
            assert_eq!(seen.iter().filter(|line| *line == text).count(), 1, "{seen:?}");
        }
        person.says(conversation, "here");
        for reader in [&bob, &desk, &fresh] {
            reader.syncs();
            assert_eq!(reader.sees(conversation).last().unwrap(), "alice: here");
        }
        person.says(conversation, "and over");
        bob.says(conversation, "and out");
    }
}

/// The devices that knew the lost entries are gone with them: nobody gives them back, and the log grows on.
#[test]
fn lost_entries_that_nobody_gives_back_are_a_question_and_no_end() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    let gateway = Person::signs_in(&world, "alice", 7);
    gateway.syncs();
    gateway.says(conversation, "from a gateway");
    bob.syncs();
    world.restore_store(&backup);
    alice.storage.remove_if(|_| true);
    let again = Person::signs_in(&world, "alice", 9);
    again.maintains();
    again.syncs();
    again.says(conversation, "all was lost");
    bob.maintains();
    bob.writes(conversation, "who is it?");
    block_on(bob.account.flush()).unwrap();
    assert_eq!(bob.account.key_change(alice.account.me().account), Some(KeyChange::Devices));
    bob.accepts(&alice);
    assert_eq!(bob.states(conversation).last(), Some(&MessageState::Sent));
    let seen = bob.sees(conversation);
    assert_eq!(seen[seen.len() - 2..], ["alice: all was lost", "bob: who is it?"], "{seen:?}");
}

/// Rows of the vault change with every message.
#[test]
fn a_vault_is_given_back_however_old_the_copy_is() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    for number in 0..40 {
        alice.says(conversation, &number.to_string());
        bob.syncs();
    }
    world.restore_store(&backup);
    let before = bob.device.calls_to(PutRow::PATH);
    bob.maintains();
    assert!(bob.repairs().contains(&Repair::VaultRestored));
    let puts = bob.device.calls_to(PutRow::PATH) - before;
    assert!(puts < 10, "each row at once, not each of its versions: {puts}");
}

/// The copy has what was deleted since, and knows nothing of the timer that was set.
#[test]
fn what_was_deleted_stays_deleted_and_timers_stay_on() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let taken_back = block_on(alice.account.compose(conversation, "regretted")).unwrap();
    block_on(alice.account.flush()).unwrap();
    let forgotten = block_on(bob.account.compose(conversation, "forgotten")).unwrap();
    block_on(bob.account.flush()).unwrap();
    for person in [&alice, &bob] {
        person.syncs();
    }
    let backup = world.copy_store();
    world.pass_time(1_000);
    block_on(alice.account.delete_for_everyone(taken_back)).unwrap();
    block_on(bob.account.delete_for_me(&[forgotten])).unwrap();
    block_on(bob.account.set_timer(conversation, Some(3_600))).unwrap();
    for person in [&alice, &bob] {
        block_on(person.account.flush()).unwrap();
    }
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.restore_store(&backup);
    let early = Person::signs_in(&world, "bob", 8);
    early.syncs();
    assert!(early.sees(conversation).contains(&"alice: regretted".to_owned()), "it is in the copy");
    world.pass_time(1_000);
    for person in [&alice, &bob] {
        person.maintains();
        block_on(person.account.flush()).unwrap();
    }
    for person in [&alice, &bob, &early, &Person::signs_in(&world, "bob", 9)] {
        person.syncs();
        let seen = person.sees(conversation);
        assert!(!seen.contains(&"alice: regretted".to_owned()), "{seen:?}");
        let timers = seen.iter().filter(|line| *line == "bob: timer 3600").count();
        assert_eq!(timers, 1, "{seen:?}");
        assert_eq!(person.account.thread(conversation).unwrap().timer_s, Some(3_600));
    }
    let fresh = Person::signs_in(&world, "bob", 10);
    fresh.syncs();
    assert!(!fresh.sees(conversation).contains(&"bob: forgotten".to_owned()));
    let loot: Vec<Loot> = [&alice, &bob].map(Loot::of).into();
    assert!(!opens_for_any(&world, &loot, &alice, taken_back));
}

/// The server is set back to a copy from before Bob read a message. Bob's device gives the newer rows back, in which
/// the key is erased, to a mailbox in which the message is still sealed to it.
#[test]
fn a_kept_message_survives_a_server_that_was_set_back() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sends(conversation, "before the copy");
    let copy = world.copy_store();
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: before the copy"]);
    world.restore_store(&copy);
    for _ in 0..3 {
        let _ = block_on(bob.account.maintain());
    }
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), ["alice: before the copy"], "repairs: {:?}", bob.repairs());
}

/// Two devices and a server that was set back: one of them never refreshes its vault again.
#[test]
fn two_devices_after_a_server_was_set_back() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.syncs();
    elsewhere.maintains();
    let copy = world.copy_store();
    // One device opens a message: its row of keys has a newer version.
    alice.sends(conversation, "one");
    bob.syncs();
    world.restore_store(&copy);
    // The other one was away, and opens another message after that.
    let carol = Person::signs_up(&world, "carol", 55);
    carol.maintains();
    let other = carol.opens(&[&elsewhere]);
    carol.sends(other, "from carol");
    elsewhere.syncs();
    let mut last = Ok(());
    for _ in 0..5 {
        let _ = block_on(bob.account.sync());
        last = block_on(bob.account.maintain());
    }
    assert_eq!(last, Ok(()));
}

/// A server that was set back: until its mailbox has grown again, nothing is received and nothing is looked after;
/// what is sent meanwhile never comes back.
#[test]
fn sync_goes_on_after_a_server_was_set_back() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sends(conversation, "one");
    bob.syncs();
    alice.syncs();
    let copy = world.copy_store();
    for text in ["two", "three", "four"] {
        alice.sends(conversation, text);
    }
    bob.syncs();
    alice.syncs();
    world.restore_store(&copy);
    for person in [&alice, &bob] {
        for _ in 0..3 {
            let _ = block_on(person.account.sync());
            let _ = block_on(person.account.maintain());
        }
        assert_eq!(
            (block_on(person.account.sync()).map(drop), block_on(person.account.maintain())),
            (Ok(()), Ok(()))
        );
    }
}

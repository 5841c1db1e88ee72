//! A server that was set back to a backup: nothing that a device has is lost, and writing goes on.

use std::sync::Arc;

use client::Repair;
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::id::ConversationId;

use crate::{
    attacker::{Loot, kinds},
    people::Person,
    world::World,
};

fn acquainted() -> (Arc<World>, Person, Person, ConversationId) {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "one");
    bob.syncs();
    bob.says(conversation, "two");
    alice.syncs();
    bob.syncs();
    (world, alice, bob, conversation)
}

fn repairs(person: &Person) -> Vec<Repair> {
    block_on(person.account.repairs()).unwrap().into_iter().map(|mended| mended.what).collect()
}

#[test]
fn what_the_server_has_lost_stays_on_the_devices_and_what_is_new_arrives() {
    let (world, alice, bob, conversation) = acquainted();
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
        assert!(repairs(person).contains(&Repair::MailboxSetBack), "{:?}", repairs(person));
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
    let (world, alice, bob, conversation) = acquainted();
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

#[test]
fn keys_that_are_used_up_are_not_handed_out_once_more() {
    let (world, alice, bob, conversation) = acquainted();
    let backup = world.copy_store();
    alice.says(conversation, "takes the next prekey");
    bob.syncs();
    let left = Loot::of(&bob).prekeys(PrekeyKind::OneTime);
    world.restore_store(&backup);
    for person in [&bob, &alice] {
        person.maintains();
    }
    assert!(repairs(&bob).contains(&Repair::PrekeysReplaced));
    assert!(repairs(&bob).contains(&Repair::VaultRestored));
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
    let (world, alice, bob, conversation) = acquainted();
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
    assert!(repairs(&alice).contains(&Repair::DeviceLogRestored), "{:?}", repairs(&alice));
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
    let (_, _, bob, conversation) = acquainted();
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

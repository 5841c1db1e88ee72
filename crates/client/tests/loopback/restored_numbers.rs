//! Numbers of prekeys, and places of batches, that are given twice around a restoration: each the story in which it once went wrong.

use std::sync::Arc;

use client::Device as _;
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::prekey::ClaimPrekeys;

use crate::{
    attacker::{Loot, kinds, opens_for_any},
    people::Person,
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Whether what was deleted opens again: a machine was set back, and a device that slept has the batch as it was made.
fn erased_seeds(phone_comes: bool) -> bool {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let conversation = bob.opens(&[&alice]);
    alice.opens(&[&bob]);
    alice.says(conversation, "one");
    bob.syncs();
    bob.says(conversation, "two");
    alice.syncs();
    let phone = Person::signs_in(&world, "alice", 9);
    phone.syncs();
    let backup = world.copy_store();
    alice.maintains();
    bob.maintains();
    // Both have the batch.
    phone.maintains();
    let message = bob.sends(conversation, "not for ever");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    alice.syncs();
    bob.syncs();
    assert_eq!(alice.sees(conversation).last().unwrap(), "bob: not for ever");
    block_on(bob.account.delete_for_everyone(message)).unwrap();
    block_on(bob.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    alice.maintains();
    assert!(!opens_for_any(&world, &[Loot::of(&alice)], &bob, message), "it is deleted");
    world.restore_machine(&backup);
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.maintains();
    if phone_comes {
        phone.maintains();
    }
    for _ in 0..3 {
        alice.maintains();
        tablet.maintains();
        bob.maintains();
        block_on(bob.account.flush()).unwrap();
    }
    world.pass_time(5 * DAY_MS);
    for person in [&alice, &tablet] {
        person.maintains();
    }
    opens_for_any(&world, &[Loot::of(&alice)], &bob, message)
}

#[test]
fn an_erased_seed_does_not_come_back_by_a_device_that_slept() {
    assert!(!erased_seeds(false), "without the phone");
    assert!(!erased_seeds(true), "the phone has brought it back");
}

fn ends_one(world: &Arc<World>, person: &Person, name: &str, seed: u64) {
    let other = Person::signs_in(world, name, seed);
    other.syncs();
    block_on(person.account.end_session(other.account.session().session)).unwrap();
    person.maintains();
}

/// A batch of before has higher numbers than one that was made after it, by who did not know it.
#[test]
fn a_batch_of_higher_numbers_takes_no_keys_away_that_were_made_meanwhile() {
    for comes in [false, true] {
        let world = World::new(1);
        let [alice, bob] = Person::couple(&world);
        let conversation = bob.opens(&[&alice]);
        alice.opens(&[&bob]);
        alice.says(conversation, "one");
        bob.syncs();
        bob.says(conversation, "two");
        alice.syncs();
        let backup = world.copy_store();
        alice.maintains();
        // The next batches: in the second place, and in the first one again.
        ends_one(&world, &alice, "alice", 21);
        ends_one(&world, &alice, "alice", 22);
        world.restore_machine(&backup);
        world.pass_time(60_000);
        let tablet = Person::signs_in(&world, "alice", 7);
        tablet.maintains();
        let message = bob.sends(conversation, "by a new prekey");
        assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
        if comes {
            alice.maintains();
        }
        tablet.maintains();
        assert_eq!(tablet.sees(conversation).last().unwrap(), "bob: by a new prekey", "comes: {comes}");
    }
}

/// The other place that a batch finds has been taken meanwhile.
#[test]
fn a_displaced_batch_takes_nobodys_place() {
    for comes in [false, true] {
        let world = World::new(1);
        let [alice, bob] = Person::couple(&world);
        let conversation = bob.opens(&[&alice]);
        alice.opens(&[&bob]);
        alice.says(conversation, "one");
        bob.syncs();
        bob.says(conversation, "two");
        alice.syncs();
        alice.maintains();
        let backup = world.copy_store();
        for number in 0..6 {
            bob.says(conversation, &number.to_string());
            alice.syncs();
        }
        bob.syncs();
        // The second batch; the first place is erased, in its eighth version or so.
        ends_one(&world, &alice, "alice", 21);
        world.restore_machine(&backup);
        world.pass_time(60_000);
        let tablet = Person::signs_in(&world, "alice", 7);
        tablet.maintains();
        ends_one(&world, &tablet, "alice", 23);
        // One of these is claimed and keeps the second place.
        let carol = Person::signs_up(&world, "carol", 66);
        let accounts = vec![alice.account.me().account];
        block_on(carol.device.call(ClaimPrekeys { accounts, of_devices: false })).unwrap();
        ends_one(&world, &tablet, "alice", 24);
        let dave = Person::signs_up(&world, "dave", 67);
        let with_dave = dave.opens(&[&alice]);
        dave.says(with_dave, "by a new prekey");
        if comes {
            let _ = block_on(alice.account.maintain());
        }
        tablet.maintains();
        assert_eq!(tablet.sees(with_dave).last().unwrap(), "dave: by a new prekey", "comes: {comes}");
    }
}

//! What a restored server has lost is done again: sent, archived, numbered. Each the story in which it once went wrong.

use client::MessageState;
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;

use crate::{attacker::kinds, people::Person, set_back_lies::begins_anew, world::World};

/// Sent, not fetched yet, and lost; nothing else has come since.
#[test]
fn what_a_restored_server_has_lost_is_sent_again_without_a_reload() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    alice.says(conversation, "lost by the server");
    world.restore_store(&backup);
    assert!(!alice.account.take_queued_again());
    alice.syncs();
    assert!(alice.account.take_queued_again(), "the page is told to send");
    for _ in 0..3 {
        block_on(alice.account.flush()).unwrap();
        alice.maintains();
        assert!(!alice.account.take_queued_again());
    }
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: lost by the server");
}

/// And what stands in its place is held.
#[test]
fn what_a_restored_server_has_lost_is_sent_again_when_its_place_is_held() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    alice.says(conversation, "lost by the server");
    world.restore_store(&backup);
    let again = begins_anew(&world, "bob", 40);
    again.opens(&[&alice]);
    again.says(conversation, "by a new key");
    for _ in 0..3 {
        alice.maintains();
        block_on(alice.account.flush()).unwrap();
        alice.syncs();
    }
    alice.accepts(&again);
    alice.syncs();
    block_on(alice.account.flush()).unwrap();
    again.syncs();
    drop(bob);
    assert!(
        again.sees(conversation).contains(&"alice: lost by the server".to_owned()),
        "{:?}",
        again.sees(conversation)
    );
}

/// With a timer: when that is over, the message is gone, and nobody ever got it.
#[test]
fn what_disappears_and_was_lost_by_a_restored_server_is_sent_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(3_600));
    alice.syncs();
    bob.syncs();
    let backup = world.copy_store();
    alice.says(conversation, "for an hour");
    world.restore_store(&backup);
    for _ in 0..5 {
        for person in [&bob, &alice] {
            person.maintains();
            block_on(person.account.flush()).unwrap();
        }
        world.pass_time(10 * 60_000);
    }
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for an hour");
}

/// The copy is from before a message was archived, and something else could not be archived.
#[test]
fn what_was_archived_after_the_copy_is_archived_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    let carol = Person::signs_up(&world, "carol", 103);
    carol.maintains();
    let with_carol = carol.opens(&[&bob]);
    carol.says(with_carol, "I am Carol");
    bob.syncs();
    bob.maintains();
    // Carol begins anew: what she writes waits for Bob's word.
    let again = begins_anew(&world, "carol", 40);
    again.opens(&[&bob]);
    again.says(with_carol, "by my new key");
    let message = alice.sends(conversation, "for all devices");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    let backup = world.copy_store();
    bob.syncs();
    bob.maintains();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for all devices");
    world.restore_store(&backup);
    for _ in 0..3 {
        bob.maintains();
    }
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    fresh.maintains();
    assert_eq!(fresh.sees(conversation).last().unwrap(), "alice: for all devices");
}

/// And nothing else waits.
#[test]
fn what_was_archived_last_after_the_copy_is_archived_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    alice.sends(conversation, "for all devices");
    let backup = world.copy_store();
    bob.syncs();
    bob.maintains();
    world.restore_store(&backup);
    for _ in 0..3 {
        bob.maintains();
    }
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation).last().unwrap(), "alice: for all devices");
}

/// After the copy was put back, another device of Bob's makes prekeys: their numbers are not those of what was lost.
#[test]
fn prekeys_that_are_numbered_anew_on_a_restored_server_serve() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    alice.maintains();
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "first");
    bob.syncs();
    bob.says(conversation, "second");
    alice.syncs();
    let backup = world.copy_store();
    bob.maintains();
    for number in 0..6 {
        alice.says(conversation, &number.to_string());
    }
    alice.syncs();
    bob.syncs();
    world.restore_store(&backup);
    let tablet = Person::signs_in(&world, "bob", 9);
    tablet.maintains();
    alice.maintains();
    alice.says(conversation, "after the restoration");
    assert_eq!(alice.states(conversation).last(), Some(&MessageState::Sent));
    tablet.syncs();
    assert_eq!(tablet.sees(conversation).last().unwrap(), "alice: after the restoration");
}

/// Its time is over before it came back.
#[test]
fn what_has_disappeared_before_it_came_back_is_not_queued_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for person in [&alice, &bob] {
        person.maintains();
    }
    alice.sets_timer(conversation, Some(5));
    alice.syncs();
    alice.says(conversation, "five seconds");
    world.pass_time(10_000);
    world.erase_expired();
    alice.syncs();
    block_on(alice.account.forget()).unwrap();
    assert!(!alice.sees(conversation).contains(&"alice: five seconds".to_owned()));
    assert_eq!(alice.account.next_disappearance(), None);
}

/// Taken back while it waits to be sent again.
#[test]
fn what_was_read_and_lost_by_a_restored_server_is_deleted_for_everyone() {
    for syncs in [false, true] {
        let (world, alice, bob, conversation) = Person::acquainted_couple();
        let backup = world.copy_store();
        let message = alice.sends(conversation, "take me back");
        bob.syncs();
        assert_eq!(bob.sees(conversation).last().unwrap(), "alice: take me back");
        world.restore_store(&backup);
        block_on(alice.account.delete_for_everyone(message)).unwrap();
        for _ in 0..3 {
            block_on(alice.account.flush()).unwrap();
            alice.maintains();
            bob.maintains();
            block_on(bob.account.flush()).unwrap();
        }
        bob.syncs();
        assert!(!bob.sees(conversation).contains(&"alice: take me back".to_owned()), "syncs {syncs}");
    }
}

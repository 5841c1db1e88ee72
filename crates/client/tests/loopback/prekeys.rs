//! Prekeys that die, and history that stays.

use client::{MessageState, Repair};
use crypto::prekey::PrekeyKind;
use futures::executor::block_on;
use protocol::{
    Call, Code,
    directory::FetchKeys,
    id::{ConversationId, MessageId},
    mailbox::{Archive, FetchPage},
    prekey::{ClaimPrekeys, PrekeyStatus, PublishPrekeys},
    vault::PutRow,
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, kinds, opens_for_any},
    chance::Chance,
    people::Person,
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[test]
fn a_kept_message_opens_on_every_device_and_the_key_that_brought_it_is_gone() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let message = alice.sends(conversation, "for Bob");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::OneTime), 100);
    bob.syncs();
    assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::OneTime), 99);
    for person in ["alice", "bob"] {
        let elsewhere = Person::signs_in(&world, person, 9);
        elsewhere.syncs();
        assert_eq!(elsewhere.sees(conversation), ["alice: for Bob"], "from the archive");
    }
    // Kept is kept: who has the password and the server reads it.
    assert!(opens_for_any(&world, &[Loot::of(&bob)], &alice, message));
    assert_eq!(bob.prekey_status().first_unarchived, None);
}

#[test]
fn a_deleted_message_is_brought_back_by_nobody() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let message = alice.sends(conversation, "regretted");
    bob.syncs();
    alice.syncs();
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    assert_eq!(alice.sees(conversation), Vec::<String>::new());
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    assert_eq!(bob.sees(conversation), Vec::<String>::new());
    assert!(!opens_for_any(&world, &[Loot::of(&alice), Loot::of(&bob)], &alice, message));
    for person in [&alice, &bob] {
        assert!(!person.keeps("regretted"));
    }
}

#[test]
fn prekeys_are_refilled_in_batches_before_they_run_out() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    // An hour in between: nobody claims all of somebody's at once.
    for burst in [0..60, 60..71] {
        for number in burst {
            alice.writes(conversation, &number.to_string());
        }
        block_on(alice.account.flush()).unwrap();
        world.pass_time(60 * 60 * 1_000);
    }
    assert_eq!(bob.prekey_status().one_time_left, 29);
    bob.maintains();
    let refilled = bob.prekey_status();
    assert_eq!((refilled.one_time_left, refilled.last_one_time), (129, 200));
    assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::OneTime), 129, "those that were used are gone");
    bob.maintains();
    assert_eq!(bob.prekey_status(), refilled_at(&bob, refilled), "it is not done on demand");
}

/// The same, by this time.
fn refilled_at(person: &Person, before: PrekeyStatus) -> PrekeyStatus {
    PrekeyStatus { now_ms: person.prekey_status().now_ms, ..before }
}

#[test]
fn an_interrupted_refill_goes_on_with_the_same_keys() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    bob.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(bob.account.maintain()).is_err());
    assert_eq!(bob.prekey_status().one_time_left, 0);
    let made = Loot::of(&bob).prekeys(PrekeyKind::OneTime);
    assert_eq!(made, 100);
    // Another device of Bob's finishes what this one began.
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.maintains();
    assert_eq!((bob.prekey_status().one_time_left, bob.prekey_status().last_one_time), (100, 100));
    assert_eq!(elsewhere.repairs(), [Repair::PrekeysPublishedAgain]);
    bob.maintains();
    let conversation = alice.opens(&[&bob]);
    let message = alice.sends(conversation, "hello");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: hello"]);
}

#[test]
fn the_signed_prekey_is_replaced_every_week_and_the_old_one_dies_when_all_is_read() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let nobody_left = |path: &str, _: &Value, honest| match path {
        ClaimPrekeys::PATH => Ok(json!({"prekeys": []})),
        _ => honest,
    };
    alice.device.set_hostility(nobody_left);
    let message = alice.sends(conversation, "to the signed prekey");
    assert_eq!(kinds(&world, message), [PrekeyKind::Signed]);
    world.pass_time(6 * DAY_MS);
    bob.maintains();
    assert_eq!(bob.prekey_status().signed.id().0, 1);
    let late = alice.sends(conversation, "before the change");
    world.pass_time(2 * DAY_MS);
    bob.maintains();
    let replaced = bob.prekey_status();
    assert_eq!(replaced.signed.sequence(), 2);
    assert!(replaced.signed.id().0 > 1);
    // A server that is set back to yesterday's copy may offer the old one once more.
    assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::Signed), 2);
    world.pass_time(2 * DAY_MS);
    bob.maintains();
    assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::Signed), 1);
    assert_eq!(bob.sees(conversation), ["alice: to the signed prekey", "alice: before the change"]);
    // What is deleted now, nobody reads any more, though it came by a key that served many.
    block_on(alice.account.sync()).unwrap();
    block_on(alice.account.delete_for_everyone(late)).unwrap();
    alice.sends(conversation, "sealed anew");
    bob.syncs();
    alice.syncs();
    assert!(!opens_for_any(&world, &[Loot::of(&alice), Loot::of(&bob)], &alice, late));
    assert!(opens_for_any(&world, &[Loot::of(&bob)], &alice, message));
    assert_eq!(bob.sees(conversation), ["alice: to the signed prekey", "alice: sealed anew"]);
}

#[test]
fn whoever_is_away_stays_reachable_and_the_age_of_the_key_is_known() {
    let (world, _, bob, conversation) = Person::prepared_couple();
    world.pass_time(90 * DAY_MS);
    let alice = Person::signs_in(&world, "alice", 9);
    alice.syncs();
    alice.opens(&[&bob]);
    let message = alice.sends(conversation, "are you there?");
    assert_eq!(kinds(&world, message), [PrekeyKind::Signed], "one-time prekeys are not handed out for ever");
    let keys = FetchKeys { accounts: vec![bob.account.me().account] };
    let keys = block_on(client::Device::call(&*alice.device, keys)).unwrap();
    assert!(world.now_ms() - keys.bundles[0].prekey_at_ms >= 90 * DAY_MS);
    let bob = Person::signs_in(&world, "bob", 8);
    bob.maintains();
    assert_eq!(bob.sees(conversation), ["alice: are you there?"]);
    assert_eq!(
        Loot::of(&bob).prekeys(PrekeyKind::OneTime),
        100,
        "the old batch is forgotten, a new one is there"
    );
}

#[test]
fn a_one_time_prekey_that_is_served_twice_is_refused() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let first: std::cell::RefCell<Option<Value>> = std::cell::RefCell::default();
    alice.device.set_hostility(move |path, _, honest| match path {
        ClaimPrekeys::PATH => Ok(first.borrow_mut().get_or_insert(honest?).clone()),
        _ => honest,
    });
    alice.sends(conversation, "one");
    alice.syncs();
    alice.sends(conversation, "two");
    let [_, MessageState::Failed(why)] = &alice.states(conversation)[..] else { panic!("it is refused") };
    assert!(why.contains("a key for bob that was used before"), "{why}");
    // A device that has seen the first message come by knows as well.
    let elsewhere = Person::signs_in(&world, "alice", 9);
    elsewhere.syncs();
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: one"]);
}

#[test]
fn an_old_signed_prekey_and_one_of_another_account_are_refused() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let keys = || {
        let keys = FetchKeys { accounts: vec![bob.account.me().account] };
        let keys = block_on(client::Device::call(&*alice.device, keys)).unwrap();
        serde_json::to_value(&keys.bundles[0].prekey).unwrap()
    };
    alice.sends(conversation, "with the first");
    let old = keys();
    world.pass_time(8 * DAY_MS);
    let bob = Person::signs_in(&world, "bob", 9);
    bob.maintains();
    let elsewhere = Person::signs_in(&world, "alice", 8);
    elsewhere.opens(&[&bob]);
    elsewhere.sends(conversation, "with the second");
    elsewhere.syncs();
    let of_bob = json!(bob.account.me().account);
    let serves = move |prekey: Value| {
        let of_bob = of_bob.clone();
        move |path: &str, _: &Value, honest: Result<Value, protocol::Refusal>| {
            let mut answer = honest?;
            if path == FetchKeys::PATH {
                for bundle in answer["bundles"].as_array_mut().unwrap() {
                    if bundle["account"] == of_bob {
                        bundle["prekey"] = prekey.clone();
                    }
                }
            }
            Ok(answer)
        }
    };
    elsewhere.device.set_hostility(serves(old));
    elsewhere.sends(conversation, "with the first again");
    let states = elsewhere.states(conversation);
    let Some(MessageState::Failed(why)) = states.last() else { panic!("it is refused") };
    assert!(why.contains("an older key for bob"), "{why}");

    let carol = Person::signs_up(&world, "carol", 7);
    let keys = FetchKeys { accounts: vec![carol.account.me().account] };
    let of_carol = block_on(client::Device::call(&*carol.device, keys)).unwrap().bundles.remove(0).prekey;
    elsewhere.device.set_hostility(serves(json!(of_carol)));
    elsewhere.sends(conversation, "with another's");
    let states = elsewhere.states(conversation);
    let Some(MessageState::Failed(why)) = states.last() else { panic!("it is refused") };
    assert!(why.contains("a key for bob that bob did not sign"), "{why}");
}

/// Two devices of Bob's open the same message at the same moment.
#[test]
fn what_another_device_archived_meanwhile_is_fetched_again() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.syncs();
    alice.sends(conversation, "for both");
    // The page that one device got is from before the other archived.
    let page = FetchPage { after: protocol::Cursor::START, limit: 200 };
    let stale = json!(block_on(client::Device::call(&*bob.device, page)).unwrap());
    elsewhere.syncs();
    let shown = std::cell::Cell::new(false);
    bob.device.set_hostility(move |path, _, honest| match path {
        FetchPage::PATH if !shown.replace(true) => Ok(stale.clone()),
        _ => honest,
    });
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: for both"]);
    assert_eq!(bob.repairs(), [Repair::FetchedAgain]);
}

/// Wherever it stops, nothing is lost, and nothing is forgotten that was not archived.
#[test]
fn an_interruption_between_any_two_steps_of_receiving_costs_nothing() {
    for (stopped_at, one_time_left) in [(Archive::PATH, 100), (PutRow::PATH, 100)] {
        let (world, alice, bob, conversation) = Person::prepared_couple();
        alice.sends(conversation, "hello");
        block_on(bob.account.sync()).unwrap();
        let other = Person::signs_in(&world, "bob", 9);
        let message = alice.sends(conversation, "once more");
        other.device.refuse_next(stopped_at, Code::StoreUnavailable);
        assert!(block_on(other.account.sync()).is_err());
        assert!(Loot::of(&bob).prekeys(PrekeyKind::OneTime) < one_time_left);
        assert!(opens_for_any(&world, &[Loot::of(&bob)], &alice, message), "{stopped_at}: it still opens");
        let again = Person::signs_in(&world, "bob", 8);
        for device in [&again, &other, &bob] {
            device.syncs();
            assert_eq!(device.sees(conversation), ["alice: hello", "alice: once more"], "{stopped_at}");
        }
        assert_eq!(Loot::of(&bob).prekeys(PrekeyKind::OneTime), 98, "{stopped_at}: the key died in the end");
    }
}

#[test]
fn an_archived_key_that_was_swapped_does_not_open_and_blocks_nothing() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    for text in ["one", "two", "three"] {
        alice.sends(conversation, text);
    }
    bob.syncs();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    let swap = |answer: &mut Value| {
        let items = answer["items"].as_array_mut().unwrap();
        if items.len() == 3 {
            let (one, two) = (items[0]["archived"].clone(), items[1]["archived"].clone());
            items[0]["archived"] = two;
            items[1]["archived"] = one;
        }
    };
    elsewhere.device.set_hostility(move |_, _, honest| {
        let mut answer = honest?;
        if answer.get("items").is_some() {
            swap(&mut answer);
        }
        Ok(answer)
    });
    elsewhere.syncs();
    let seen = elsewhere.sees(conversation);
    assert_eq!(seen, ["alice: one", "alice: ?", "alice: ?"]);
}

/// The account of before had one prekey for ever, and sealed to itself.
#[test]
fn what_was_written_before_there_were_devices_is_archived_and_its_key_dies() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let conversation = alice.opens(&[&bob]);
    says_as_before(&world, &alice, &bob, "from the first version");
    alice.syncs();
    // The first version did not archive.
    bob.device.answer_next(Archive::PATH, json!({}));
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: from the first version"]);
    assert_eq!(bob.prekey_status().first_unarchived, Some(protocol::Cursor(1)));
    bob.maintains();
    assert_eq!(bob.repairs(), [Repair::ArchivedLater]);
    world.pass_time(8 * DAY_MS);
    let [alice, bob] = ["alice", "bob"].map(|name| Person::signs_in(&world, name, 9));
    for person in [&alice, &bob] {
        person.maintains();
    }
    world.pass_time(2 * DAY_MS);
    for person in [&alice, &bob] {
        person.maintains();
        assert_eq!(person.prekey_status().first_unarchived, None);
        assert_eq!(person.sees(conversation), ["alice: from the first version"]);
        assert_eq!(Loot::of(person).prekeys(PrekeyKind::Signed), 1, "the first prekey is gone");
    }
    let fresh = Person::signs_in(&world, "bob", 8);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), ["alice: from the first version"]);
}

/// An envelope of version 1: signed by the identity key, sealed to the signed prekeys of both.
fn says_as_before(world: &World, alice: &Person, bob: &Person, text: &str) {
    let rng = &mut Chance::new(60);
    let people = [alice, bob].map(|person| person.account.me().account);
    let keys = FetchKeys { accounts: people.to_vec() };
    let keys = block_on(client::Device::call(&*alice.device, keys)).unwrap();
    let prekeys: Vec<_> = keys
        .bundles
        .iter()
        .map(|bundle| bundle.prekey.verify(bundle.account, &bundle.identity).unwrap())
        .collect();
    let content = json!({"type": "text", "text": text}).to_string();
    let draft = crypto::envelope::Draft {
        conversation: ConversationId::of_set(people),
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: crypto::envelope::Expiry::Never,
        content: content.as_bytes(),
    };
    let envelope = draft.seal(people[0], Loot::of(alice).identity(), &prekeys, rng).unwrap();
    let send = protocol::mailbox::Send { envelope: envelope.to_bytes().into(), archived: None };
    block_on(client::Device::call(&*alice.device, send)).unwrap();
}

/// A batch was made and did not reach the server; its owner was away for 40 days.
#[test]
fn a_batch_that_is_published_late_lives_as_long_as_it_is_handed_out() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    alice.maintains();
    bob.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(bob.account.maintain()).is_err());
    world.pass_time(40 * DAY_MS);
    let bob = bob.signs_in_again(&world, "bob", 11);
    let alice = alice.signs_in_again(&world, "alice", 12);
    bob.maintains();
    let conversation = alice.opens(&[&bob]);
    let message = alice.sends(conversation, "welcome back");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    bob.syncs();
    bob.maintains();
    bob.maintains();
    assert_eq!(bob.sees(conversation), ["alice: welcome back"]);
}

/// The same 20 days late; somebody writes to it on the 40th day.
#[test]
fn a_batch_that_is_published_a_bit_late_lives_as_long_as_it_is_handed_out() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    alice.maintains();
    bob.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(bob.account.maintain()).is_err());
    world.pass_time(20 * DAY_MS);
    let bob = bob.signs_in_again(&world, "bob", 11);
    bob.maintains();
    let mut bob = bob;
    for seed in 20..25 {
        world.pass_time(5 * DAY_MS);
        bob = bob.signs_in_again(&world, "bob", seed);
        bob.maintains();
        if seed == 23 {
            // The 40th day.
            let alice = alice.signs_in_again(&world, "alice", 12);
            let conversation = alice.opens(&[&bob]);
            let message = alice.sends(conversation, "welcome back");
            assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
            bob.syncs();
            bob.maintains();
            assert_eq!(bob.sees(conversation), ["alice: welcome back"]);
            return;
        }
    }
}

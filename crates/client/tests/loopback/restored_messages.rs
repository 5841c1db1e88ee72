//! Messages, deletions and timers after a server was restored: each the story in which it once went wrong.

use std::cell::Cell;

use client::Device as _;
use crypto::{
    envelope::{Author, Draft, Expiry},
    id::MessageId,
    prekey::PrekeySecret,
};
use futures::executor::block_on;
use protocol::{
    Call,
    directory::FetchKeys,
    id::ConversationId,
    mailbox::{FetchPage, Send},
    prekey::ClaimPrekeys,
};
use serde_json::json;

use crate::{
    attacker::{Loot, device_of, log_of},
    chance::Chance,
    people::Person,
    world::World,
};

/// Honest: the other one's timer.
#[test]
fn a_timer_that_another_set_stays_on_when_the_server_was_set_back() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    world.pass_time(1_000);
    bob.sets_timer(conversation, Some(60));
    alice.syncs();
    assert_eq!(alice.account.thread(conversation).unwrap().timer_s, Some(60));
    world.restore_store(&backup);
    // Bob is away.
    alice.maintains();
    assert_eq!(alice.sees(conversation).last().unwrap(), "bob: timer 60", "it is there to be seen");
    let message = alice.sends(conversation, "only for a minute");
    assert!(
        world.recorded(message).is_empty(),
        "nobody can take it yet, and it is not sent to be kept for ever"
    );
}

/// A changed client sends a text under an id of its choice.
fn sends_as(world: &World, from: &Person, to: &[&Person], message: MessageId, text: &str) {
    let rng = &mut Chance::new(9);
    let readers: Vec<_> = to.iter().map(|person| person.account.me().account).collect();
    let claim = ClaimPrekeys { accounts: readers.clone(), of_devices: false };
    let claimed = block_on(from.device.call(claim)).unwrap().prekeys;
    let keys = block_on(from.device.call(FetchKeys { accounts: readers.clone() })).unwrap();
    let prekeys: Vec<_> = keys
        .bundles
        .iter()
        .map(|bundle| {
            let one_time = claimed.iter().find(|claimed| claimed.account == bundle.account);
            let prekey = one_time.map_or(&bundle.prekey, |claimed| &claimed.prekey);
            prekey.verify(bundle.account, &bundle.identity).unwrap()
        })
        .collect();
    let me = from.account.me().account;
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let content = json!({"type": "text", "text": text}).to_string();
    let draft = Draft {
        conversation: ConversationId::of_set(readers.into_iter().chain([me])),
        message,
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::Never,
        content: content.as_bytes(),
    };
    let author =
        Author { account: me, identity: &identity, device, key: &key, log_head: log_of(from).head() };
    let sealed = draft.seal_by_device(author, &prekeys, &[], rng).unwrap();
    let archived = json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
    let archived = Some(serde_json::from_value(archived).unwrap());
    block_on(from.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived })).unwrap();
}

/// A contact takes the id of somebody else's message that the server has lost.
#[test]
fn a_contact_does_not_take_the_place_of_what_somebody_else_wrote() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let mallory = Person::signs_up(&world, "mallory", 66);
    let group = alice.opens(&[&bob, &mallory]);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    alice.says(group, "one");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = bob.sends(group, "I promise");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    world.restore_store(&backup);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    assert_eq!(alice.sees(group), ["alice: one", "bob: I promise"]);
    sends_as(&world, &mallory, &[&alice, &bob], message, "nothing");
    for person in [&alice, &bob] {
        person.syncs();
        let reloaded = person.opens_a_tab(&world, 91);
        reloaded.syncs();
        let seen = reloaded.sees(group);
        assert!(seen.contains(&"bob: I promise".to_owned()), "{seen:?}");
    }
}

/// The same for what its author has sent and not fetched yet.
#[test]
fn a_contact_does_not_take_the_place_of_what_waits_in_the_outbox() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let mallory = Person::signs_up(&world, "mallory", 66);
    let group = alice.opens(&[&bob, &mallory]);
    for person in [&alice, &bob, &mallory] {
        person.maintains();
    }
    alice.says(group, "one");
    for person in [&alice, &bob, &mallory] {
        person.syncs();
    }
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = alice.sends(group, "I was here");
    mallory.syncs();
    world.restore_store(&backup);
    mallory.maintains();
    sends_as(&world, &mallory, &[&alice, &bob], message, "nothing");
    for _ in 0..2 {
        alice.maintains();
        let _ = block_on(alice.account.flush());
    }
    assert!(alice.keeps("I was here"), "{:?}", alice.sees(group));
}

/// Honest: what only devices have is taken back.
#[test]
fn what_the_server_has_lost_can_be_taken_back() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    world.pass_time(1_000);
    let message = alice.sends(conversation, "regretted");
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.restore_store(&backup);
    for person in [&alice, &bob] {
        person.maintains();
    }
    assert_eq!(alice.sees(conversation).last().unwrap(), "alice: regretted");
    assert_eq!(block_on(alice.account.delete_for_everyone(message)), Ok(()));
    block_on(alice.account.flush()).unwrap();
    for person in [&alice, &bob] {
        person.syncs();
        assert!(!person.keeps("regretted"));
    }
}

/// A page that waits for the end of a timer.
#[test]
fn what_the_server_has_lost_disappears_in_time() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    alice.sets_timer(conversation, Some(60));
    bob.syncs();
    alice.syncs();
    let backup = world.copy_store();
    world.pass_time(1_000);
    alice.says(conversation, "for a minute");
    bob.syncs();
    world.restore_store(&backup);
    bob.maintains();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: for a minute");
    assert!(bob.account.next_disappearance().is_some(), "the page is told when to forget it");
}

/// Honest: two tabs, a server that was set back, and a disappearing message.
#[test]
fn a_second_tab_that_notices_later_takes_nothing_away() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    alice.syncs();
    let backup = world.copy_store();
    world.pass_time(1_000);
    alice.says(conversation, "lost");
    bob.syncs();
    let tab = bob.opens_a_tab(&world, 61);
    tab.syncs();
    world.restore_store(&backup);
    world.pass_time(1_000);
    // One tab notices; the other one is asleep.
    for person in [&tab, &alice] {
        person.maintains();
    }
    alice.says(conversation, "new");
    tab.syncs();
    let seen = tab.sees(conversation);
    assert!(seen.contains(&"alice: new".to_owned()), "{seen:?}");
    bob.syncs();
    let reloaded = bob.opens_a_tab(&world, 62);
    reloaded.syncs();
    let seen = reloaded.sees(conversation);
    assert!(seen.contains(&"alice: new".to_owned()), "{seen:?}");
}

/// A timer that was sent and not fetched yet is deleted: others never hear of it.
#[test]
fn a_timer_is_not_deleted_while_it_is_on_its_way() {
    let (_, alice, bob, conversation) = Person::acquainted_couple();
    alice.sets_timer(conversation, Some(60));
    let timer = alice.account.thread(conversation).unwrap().messages.last().unwrap().id;
    let _ = block_on(alice.account.delete_for_everyone(timer));
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    let timers = [&alice, &bob].map(|person| person.account.thread(conversation).unwrap().timer_s);
    assert_eq!(timers[0], timers[1], "they go by different timers");
}

/// An empty place "may have held" anything: what was counted anew around it is not fetched.
#[test]
fn an_empty_place_is_no_witness_that_nothing_was_lost() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let carol = Person::signs_up(&world, "carol", 66);
    carol.maintains();
    let with_carol = carol.opens(&[&bob]);
    carol.says(with_carol, "hi");
    for person in [&bob, &carol] {
        person.syncs();
    }
    let backup = world.copy_store();
    for text in ["lost one", "lost two"] {
        alice.says(conversation, text);
    }
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.restore_store(&backup);
    alice.maintains();
    alice.says(conversation, "after");
    let oops = carol.sends(with_carol, "oops");
    block_on(carol.account.delete_for_everyone(oops)).unwrap();
    block_on(carol.account.flush()).unwrap();
    carol.syncs();
    for _ in 0..2 {
        bob.syncs();
        bob.maintains();
    }
    let seen = bob.sees(conversation);
    assert!(seen.contains(&"alice: after".to_owned()), "{seen:?}");
}

/// A message for the signed prekey of the reader that does not open.
fn sends_what_does_not_open(world: &World, from: &Person, to: &Person, seed: u64) {
    let rng = &mut Chance::new(seed);
    let people = [from, to].map(|person| person.account.me().account);
    let keys = block_on(from.device.call(FetchKeys { accounts: vec![people[1]] })).unwrap();
    let bundle = &keys.bundles[0];
    // A changed client writes any bytes as the seal; here, those of another key under the same number.
    let theirs = Loot::of(to).identity().clone();
    let other = PrekeySecret::generate(bundle.prekey.id(), 1, rng).sign(people[1], &theirs);
    let other = other.verify(people[1], &bundle.identity).unwrap();
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let draft = Draft {
        conversation: ConversationId::of_set(people),
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::Never,
        content: b"{}",
    };
    let log_head = log_of(from).head();
    let author = Author { account: people[0], identity: &identity, device, key: &key, log_head };
    let sealed = draft.seal_by_device(author, &[other], &[], rng).unwrap();
    let archived = json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
    let archived = Some(serde_json::from_value(archived).unwrap());
    block_on(from.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived })).unwrap();
}

/// Fifty that do not open, by one contact: what would open is not looked at again, and each upkeep costs fifty calls.
#[test]
fn a_contact_does_not_keep_others_from_being_read_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    let to_bob = mallory.opens(&[&bob]);
    mallory.says(to_bob, "hi");
    alice.says(conversation, "opens later");
    // Its key is not there yet.
    let spoilt = Cell::new(false);
    bob.device.set_hostility(move |path, _, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH
            && !spoilt.get()
            && let Some(last) = page["items"].as_array_mut().unwrap().last_mut()
        {
            spoilt.set(true);
            last["seal"] = json!(protocol::Binary(vec![3; 1168]));
        }
        Ok(page)
    });
    bob.syncs();
    let before = bob.sees(conversation);
    // With 49 of them it is read.
    for seed in 0..50 {
        sends_what_does_not_open(&world, &mallory, &bob, 300 + seed);
    }
    bob.device.set_hostility(|_, _, honest| honest);
    bob.syncs();
    let calls = bob.device.calls_to(FetchPage::PATH);
    for _ in 0..3 {
        bob.maintains();
    }
    let calls = bob.device.calls_to(FetchPage::PATH) - calls;
    let seen = bob.sees(conversation);
    assert_eq!(seen.last().unwrap(), "alice: opens later", "{before:?}, {calls} calls");
}

/// Honest: another tab was still writing down what it had fetched before, after this one had counted anew; then both were
/// closed.
#[test]
fn what_a_tab_kept_too_late_hides_nothing() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let backup = world.copy_store();
    for text in ["lost three", "lost four", "lost five"] {
        bob.says(conversation, text);
    }
    alice.syncs();
    world.restore_store(&backup);
    for number in 3..20 {
        bob.says(conversation, &number.to_string());
    }
    alice.storage.remove_if(|name| name.ends_with("/delivery/00000000000000000003"));
    let again = alice.opens_a_tab(&world, 5);
    again.syncs();
    again.maintains();
    let seen = again.sees(conversation);
    for number in 3..20 {
        assert!(seen.contains(&format!("bob: {number}")), "{number} is not in {seen:?}");
    }
}

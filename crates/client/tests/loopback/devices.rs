//! Devices: each signs for itself, its account vouches for it, and an end is an end.

use std::sync::Arc;

use client::{Device as _, Interruption, KeyChange, MessageState, Repair, SyncError};
use crypto::{
    device::DeviceKey,
    device_log::{Change, DeviceLog, LogEntry, LogRefused},
    id::{AccountId, DeviceId, LogHash},
};
use futures::executor::block_on;
use protocol::{
    Call, Refusal,
    device::{AppendLog, FetchLogs, LogAfter},
    directory::FetchKeys,
    id::ConversationId,
    mailbox::Send,
    session::ListSessions,
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, caught, delivers},
    chance::Chance,
    people::Person,
    world::World,
};

fn acquainted() -> (Arc<World>, Person, Person, ConversationId) {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let conversation = alice.opens(&[&bob]);
    alice.says(conversation, "hello");
    bob.syncs();
    bob.says(conversation, "hi");
    alice.syncs();
    (world, alice, bob, conversation)
}

fn id_of(person: &Person) -> AccountId {
    person.account.me().account
}

/// The account's log, as the relay has it.
fn log_of(person: &Person) -> (DeviceLog, Vec<LogEntry>) {
    let identity = Loot::of(person).identity().public();
    let asked = LogAfter { account: id_of(person), identity: identity.fingerprint(), after: 0 };
    let entries = block_on(person.device.call(FetchLogs { logs: vec![asked] })).unwrap();
    let entries = entries.logs.into_iter().next().unwrap();
    let mut log = DeviceLog::empty(id_of(person), identity);
    entries.iter().for_each(|entry| log.take(entry).unwrap());
    (log, entries)
}

fn session_of(person: &Person) -> protocol::SessionId {
    person.account.session().session
}

/// The answer about the keys was on its way when another tab introduced the device: it speaks of a log without it.
#[test]
fn a_tab_that_seals_while_another_introduces_the_device_names_a_log_that_has_it() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let second_tab = alice.opens_a_tab(&world, 7);
    let conversation = second_tab.opens(&[&bob]);
    alice.maintains();
    second_tab.device.set_hostility(|path: &str, _: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        if path == FetchKeys::PATH {
            for bundle in answer["bundles"].as_array_mut().unwrap() {
                bundle["log_length"] = json!(0);
                bundle["log_head"] = json!(LogHash::from_bytes([0; 32]));
            }
        }
        Ok(answer)
    });
    second_tab.says(conversation, "hello");
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: hello"]);
    assert_eq!(second_tab.device.calls_to(Send::PATH), 1, "nothing was sealed in vain");
}

#[test]
fn every_signed_in_browser_is_a_device_and_tabs_are_one() {
    let (world, alice, _, conversation) = acquainted();
    assert_eq!(log_of(&alice).0.active().count(), 1);
    let tab = alice.opens_a_tab(&world, 7);
    tab.says(conversation, "from another tab");
    assert_eq!(log_of(&alice).0.len(), 1, "the same device");
    let elsewhere = Person::signs_in(&world, "alice", 8);
    elsewhere.syncs();
    elsewhere.says(conversation, "from another device");
    assert_eq!(log_of(&alice).0.active().count(), 2);
    let sessions = block_on(alice.device.call(ListSessions {})).unwrap().sessions;
    assert!(sessions.iter().all(|session| session.device.is_some()));
    // Signing out takes the device off the list; a sign-in on the same machine is a new one.
    block_on(elsewhere.account.log_out()).unwrap();
    assert_eq!((log_of(&alice).0.len(), log_of(&alice).0.active().count()), (3, 1));
}

#[test]
fn a_revoked_device_is_out_at_once_and_what_it_wrote_before_stays() {
    let (world, alice, bob, conversation) = acquainted();
    alice.maintains();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.syncs();
    stolen.says(conversation, "still mine");
    bob.syncs();
    let before = Loot::of(&alice);
    block_on(alice.account.end_session(session_of(&stolen))).unwrap();
    let ended = SyncError::Interrupted(Interruption::SessionEnded);
    assert_eq!(block_on(stolen.account.sync()), Err(ended));
    assert_eq!(log_of(&alice).0.active().count(), 1);
    // What is sent from now on goes to prekeys that are newer, and what is archived to another epoch.
    let after = Loot::of(&alice);
    assert!(after.epochs() > before.epochs());
    let keys = FetchKeys { accounts: vec![id_of(&alice)] };
    let keys = block_on(bob.device.call(keys)).unwrap();
    assert_eq!(keys.bundles[0].prekey.sequence(), 2);
    bob.says(conversation, "to whom it may concern");
    alice.syncs();
    let fresh = Person::signs_in(&world, "bob", 7);
    fresh.syncs();
    let all = ["alice: hello", "bob: hi", "alice: still mine", "bob: to whom it may concern"];
    assert_eq!(fresh.sees(conversation), all, "also where the log is first read after the end");
    assert_eq!(alice.sees(conversation), all);
}

/// Even with the help of the server.
#[test]
fn what_a_revoked_device_signs_after_its_end_is_dropped() {
    let (world, alice, bob, conversation) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.syncs();
    let envelope = caught(&stolen, conversation, "from the thief");
    block_on(alice.account.end_session(session_of(&stolen))).unwrap();
    alice.says(conversation, "it was stolen");
    // One who was away gets both in one page, and a new device gets the newest first.
    let away = Person::signs_in(&world, "bob", 6);
    for reader in [&bob, &away, &Person::signs_in(&world, "bob", 7)] {
        delivers(reader, 4, &envelope);
        let synced = reader.syncs();
        assert_eq!(synced.dropped, 1);
        assert_eq!(reader.sees(conversation), ["alice: hello", "bob: hi", "alice: it was stolen"]);
    }
}

/// Its end was spoken of by a message that is gone itself, and the page was loaded anew.
#[test]
fn an_end_is_remembered_when_what_spoke_of_it_has_disappeared() {
    let (world, alice, bob, conversation) = acquainted();
    for person in [&alice, &bob] {
        person.maintains();
    }
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.syncs();
    let envelope = caught(&stolen, conversation, "from the thief");
    block_on(alice.account.set_timer(conversation, Some(60))).unwrap();
    block_on(alice.account.flush()).unwrap();
    block_on(alice.account.end_session(session_of(&stolen))).unwrap();
    alice.says(conversation, "it was stolen");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: it was stolen");
    world.pass_time(61_000);
    block_on(bob.account.forget()).unwrap();
    assert!(!bob.keeps("it was stolen"));
    let reloaded = bob.opens_a_tab(&world, 11);
    block_on(reloaded.account.load()).unwrap();
    delivers(&reloaded, 5, &envelope);
    assert_eq!(reloaded.syncs().dropped, 1, "{:?}", reloaded.sees(conversation));
}

/// What the server shows of Alice's devices instead of the truth.
fn shows(person: &Person, of: AccountId, entries: &[LogEntry], from: u32) {
    let entries: Vec<LogEntry> = entries.iter().filter(|entry| entry.position() > from).cloned().collect();
    let length = entries.last().map_or(from, LogEntry::position);
    let head = entries.last().map(|entry| entry.hash(of));
    let (of, entries) = (json!(of), json!(entries));
    person.device.set_hostility(move |path: &str, request: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        if path == FetchLogs::PATH {
            for (asked, log) in
                request["logs"].as_array().unwrap().iter().zip(answer["logs"].as_array_mut().unwrap())
            {
                if asked["account"] == of {
                    *log = entries.clone();
                }
            }
        }
        if path == FetchKeys::PATH
            && let Some(head) = head
        {
            for bundle in answer["bundles"].as_array_mut().unwrap() {
                if bundle["account"] == of {
                    bundle["log_length"] = json!(length);
                    bundle["log_head"] = json!(head);
                }
            }
        }
        Ok(answer)
    });
}

#[test]
fn a_forged_device_log_stops_sending_and_says_why() {
    let (world, alice, bob, conversation) = acquainted();
    let rng = &mut Chance::new(50);
    let alices = Loot::of(&alice).identity().clone();
    let bobs = Loot::of(&bob).identity().clone();
    let added = |rng: &mut _| Change::Added(DeviceId::random(rng), DeviceKey::generate(rng).public());
    let (log, entries) = log_of(&alice);
    let at = world.now_ms();
    let mut longer = log.clone();
    let second = longer.append(added(rng), at, &alices).unwrap();
    let third = longer.append(added(rng), at, &alices).unwrap();
    let mut other = DeviceLog::empty(id_of(&alice), alices.public());
    let forked: Vec<LogEntry> = (0..2).map(|_| other.append(added(rng), at, &alices).unwrap()).collect();
    let mut foreign = DeviceLog::of_taken(id_of(&alice), bobs.public(), &entries);
    let foreign = foreign.append(added(rng), at, &bobs).unwrap();
    let Change::Added(first, _) = entries[0].change() else { panic!("a device was added") };
    let ended = log.clone().append(Change::Revoked(first), at, &alices).unwrap();
    let mut after_end =
        DeviceLog::of_taken(id_of(&alice), alices.public(), &[entries[0].clone(), ended.clone()]);
    assert!(after_end.append(entries[0].change(), at, &alices).is_err(), "no honest client signs that");

    for (shown, from, why) in [
        (vec![third], 1, "the device log has a gap"),
        (forked, 0, "another list of devices of alice than before"),
        (vec![foreign], 1, "the device log has an entry that the account did not sign"),
    ] {
        shows(&bob, id_of(&alice), &shown, from);
        bob.says(conversation, "to whom?");
        let states = bob.states(conversation);
        let Some(MessageState::Failed(told)) = states.last() else { panic!("{why}") };
        assert!(told.contains(why) && told.contains("alice"), "{told}");
        let message = bob.account.thread(conversation).unwrap().messages.last().unwrap().id;
        block_on(bob.account.discard(message)).unwrap();
    }
    // The true one goes on from what is known.
    shows(&bob, id_of(&alice), &[second], 1);
    bob.says(conversation, "to Alice");
    assert_eq!(bob.states(conversation).last(), Some(&MessageState::Sent));
}

/// A new device of Bob's has never seen Alice's log, but another of his has.
#[test]
fn a_log_that_was_cut_is_noticed_by_what_the_pin_says() {
    let (world, alice, bob, conversation) = acquainted();
    let stolen = Person::signs_in(&world, "alice", 8);
    stolen.syncs();
    stolen.says(conversation, "soon to end");
    let (_, entries) = log_of(&alice);
    block_on(alice.account.end_session(session_of(&stolen))).unwrap();
    alice.says(conversation, "it is over");
    bob.syncs();
    let fresh = Person::signs_in(&world, "bob", 7);
    shows(&fresh, id_of(&alice), &entries, 0);
    fresh.syncs();
    fresh.opens(&[&alice]);
    fresh.says(conversation, "to the thief as well?");
    let states = fresh.states(conversation);
    let Some(MessageState::Failed(told)) = states.last() else { panic!("it is refused") };
    assert!(told.contains("another list of devices of alice than before"), "{told}");
    assert_eq!(fresh.account.key_change(id_of(&alice)), Some(KeyChange::Devices));
    // What that device wrote is not believed meanwhile.
    assert_eq!(fresh.syncs().held, 3);
    // When the server shows all of it again, what waited is sent, without another word.
    fresh.device.set_hostility(|_: &str, _: &Value, honest: Result<Value, Refusal>| honest);
    fresh.syncs();
    block_on(fresh.account.flush()).unwrap();
    assert_eq!(fresh.states(conversation).last(), Some(&MessageState::Sent));
}

#[test]
fn an_account_whose_own_log_is_forged_says_so() {
    let (world, alice, bob, conversation) = acquainted();
    let rng = &mut Chance::new(50);
    let added = Change::Added(DeviceId::random(rng), DeviceKey::generate(rng).public());
    let (_, entries) = log_of(&alice);
    let bobs = Loot::of(&bob).identity().clone();
    let mut foreign = DeviceLog::of_taken(id_of(&alice), bobs.public(), &entries);
    let foreign = foreign.append(added, world.now_ms(), &bobs).unwrap();
    shows(&alice, id_of(&alice), &[foreign], 0);
    let refused = block_on(alice.account.maintain());
    assert_eq!(refused, Err(SyncError::Interrupted(Interruption::OwnLog(LogRefused::Signature))));
    // Another log, signed by one's own key, that the server shows and does not go on from.
    let alices = Loot::of(&alice).identity().clone();
    let mut other = DeviceLog::empty(id_of(&alice), alices.public());
    let forked = other.append(added, world.now_ms(), &alices).unwrap();
    shows(&alice, id_of(&alice), &[forked], 0);
    assert!(block_on(alice.account.maintain()).is_err());
    alice.device.set_hostility(|_: &str, _: &Value, honest: Result<Value, Refusal>| honest);
    alice.maintains();
    alice.says(conversation, "still here");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: still here");
    assert_eq!(log_of(&alice).0.active().count(), 1);
}

#[test]
fn a_device_whose_store_is_gone_is_a_new_one() {
    let (world, alice, bob, conversation) = acquainted();
    let first = log_of(&alice).0.active().next().unwrap().0;
    // The browser lost everything but its cookie; the password opens the account again.
    alice.storage.remove_if(|_| true);
    let again = alice.opens_a_tab(&world, 7);
    again.syncs();
    assert_eq!(again.sees(conversation), ["alice: hello", "bob: hi"]);
    again.says(conversation, "here again");
    again.maintains();
    let (log, _) = log_of(&alice);
    let active: Vec<DeviceId> = log.active().map(|(device, _)| device).collect();
    assert_eq!(active.len(), 1, "the old one was ended");
    assert_ne!(active[0], first, "and is not continued");
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: hello", "bob: hi", "alice: here again"]);
}

#[test]
fn devices_without_a_session_leave_the_log() {
    let (world, alice, _, conversation) = acquainted();
    let elsewhere = Person::signs_in(&world, "alice", 8);
    elsewhere.syncs();
    elsewhere.says(conversation, "from elsewhere");
    world.pass_time(5 * 24 * 60 * 60 * 1_000);
    alice.syncs();
    world.pass_time(4 * 24 * 60 * 60 * 1_000);
    alice.maintains();
    assert_eq!(log_of(&alice).0.active().count(), 1);
    let repairs: Vec<Repair> =
        block_on(alice.account.repairs()).unwrap().into_iter().map(|mended| mended.what).collect();
    assert_eq!(repairs, [Repair::DevicesEnded]);
}

#[test]
fn an_entry_that_the_identity_did_not_sign_is_refused_by_the_server() {
    let (_, alice, bob, _) = acquainted();
    let rng = &mut Chance::new(50);
    let (_, entries) = log_of(&alice);
    let bobs = Loot::of(&bob).identity().clone();
    let mut foreign = DeviceLog::of_taken(id_of(&alice), bobs.public(), &entries);
    let added = Change::Added(DeviceId::random(rng), DeviceKey::generate(rng).public());
    let entry = foreign.append(added, 1, &bobs).unwrap();
    let refused = block_on(alice.device.call(AppendLog { entry })).unwrap_err();
    assert!(refused.to_string().contains("did not sign"), "{refused}");
}

//! What a security reader of devices, prekeys and upkeep has found, each as the story in which it went wrong.

use std::sync::{Arc, atomic::Ordering};

use client::{Device as _, MessageState, Repair};
use crypto::{
    device::{DeviceKey, DeviceSeed},
    envelope::{Author, Draft, Expiry},
    id::{DeviceId, LogHash, MessageId},
    prekey::PrekeyKind,
};
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    device::FetchLogs,
    directory::FetchKeys,
    id::ConversationId,
    mailbox::{FetchPage, Send},
    prekey::{ClaimPrekeys, FetchPrekeyStatus, PrekeyStatus, PublishPrekeys},
    vault::PutRow,
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, kinds, log_of, opens_for_any},
    chance::Chance,
    people::Person,
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn prepared() -> (Arc<World>, Person, Person, ConversationId) {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let conversation = alice.opens(&[&bob]);
    (world, alice, bob, conversation)
}

fn status(person: &Person) -> PrekeyStatus {
    block_on(person.device.call(FetchPrekeyStatus::default())).unwrap()
}

fn sends(person: &Person, to: ConversationId, text: &str) -> MessageId {
    let message = block_on(person.account.compose(to, text)).unwrap();
    block_on(person.account.flush()).unwrap();
    message
}

fn sets_timer(person: &Person, conversation: ConversationId, seconds: Option<u32>) {
    block_on(person.account.set_timer(conversation, seconds)).unwrap();
    block_on(person.account.flush()).unwrap();
}

fn repairs(person: &Person) -> Vec<Repair> {
    block_on(person.account.repairs()).unwrap().into_iter().map(|mended| mended.what).collect()
}

/// One lie in the status (any parseable signed prekey with a high id, of whoever) erases every signed prekey of the
/// vault; then the account never opens again, on any device, with an honest server.
#[test]
fn a_lie_about_the_published_prekey_does_not_erase_the_keys() {
    let (world, _, bob, _) = prepared();
    let foreign = somebodys_signed_prekey(status(&bob).signed.id().0 + 1_000);
    bob.device.set_hostility(move |path: &str, _: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        if path == FetchPrekeyStatus::PATH {
            answer["signed"] = foreign.clone();
        }
        Ok(answer)
    });
    let _ = block_on(bob.account.maintain());
    // The server is honest from here on.
    let again = Person::tries_to_sign_in(&world, "bob", crate::people::PASSWORD, None, 57);
    assert!(again.is_ok(), "no device opens this account ever again: {:?}", again.err());
    assert!(
        Loot::of(&bob).prekeys(PrekeyKind::Signed) > 0,
        "the signed prekeys were erased at a word of the server"
    );
}

/// A signed prekey with this id, by a key that nobody knows.
fn somebodys_signed_prekey(id: u32) -> Value {
    use crypto::{
        id::{AccountId, PrekeyId},
        identity::{IdentityKey, IdentitySeed},
        prekey::PrekeySecret,
    };
    let key = IdentityKey::from_seed(&IdentitySeed::from_bytes(&[9; 32]));
    let prekey = PrekeySecret::generate(PrekeyId(id), 1, &mut Chance::new(4));
    json!(prekey.sign(AccountId::from_bytes([7; 16]), &key))
}

/// What was deleted before it came back through the mailbox stays in the draft's record, with its sealing, for ever.
#[test]
fn a_deleted_message_is_not_kept_as_a_draft() {
    let (world, alice, bob, conversation) = prepared();
    let message = sends(&alice, conversation, "regretted");
    // Sent, and not fetched yet: the delete button is there.
    assert_eq!(alice.states(conversation), [MessageState::Sent]);
    block_on(alice.account.delete_for_everyone(message)).unwrap();
    block_on(alice.account.flush()).unwrap();
    alice.syncs();
    bob.syncs();
    let reloaded = alice.opens_a_tab(&world, 8);
    block_on(reloaded.account.load()).unwrap();
    reloaded.syncs();
    block_on(reloaded.account.flush()).unwrap();
    reloaded.syncs();
    assert_eq!(bob.sees(conversation), Vec::<String>::new());
    assert_eq!(alice.sees(conversation), Vec::<String>::new(), "shown in the tab that deleted it");
    assert_eq!(reloaded.sees(conversation), Vec::<String>::new(), "shown after a reload");
    assert!(!alice.keeps("regretted"), "in the records");
}

/// The answer was lost, another device of one's own deletes it.
#[test]
fn a_message_that_another_device_deleted_is_not_kept_as_a_draft() {
    let (world, alice, bob, conversation) = prepared();
    let tablet = Person::signs_in(&world, "alice", 7);
    let message = sends(&alice, conversation, "regretted");
    tablet.syncs();
    block_on(tablet.account.delete_for_me(&[message])).unwrap();
    block_on(tablet.account.flush()).unwrap();
    tablet.syncs();
    alice.syncs();
    let _ = bob;
    assert_eq!(alice.sees(conversation), Vec::<String>::new());
    assert!(!alice.keeps("regretted"), "in the records");
}

/// Two tabs that do their first upkeep at the same moment overwrite each other's device prekeys: what is sealed to
/// the published ones never opens.
#[test]
fn two_tabs_that_make_device_prekeys_at_once() {
    let mut lost = Vec::new();
    for seed in 1..=8 {
        let world = World::new(seed);
        let [alice, bob] = Person::couple(&world);
        alice.maintains();
        let tab = bob.opens_a_tab(&world, seed * 7);
        for one in [&bob, &tab] {
            one.device.unsteady.store(true, Ordering::Relaxed);
        }
        let (one, two) = block_on(async { futures::join!(bob.account.maintain(), tab.account.maintain()) });
        let _ = (one, two);
        for one in [&bob, &tab] {
            one.device.unsteady.store(false, Ordering::Relaxed);
        }
        bob.maintains();
        let conversation = alice.opens(&[&bob]);
        sets_timer(&alice, conversation, Some(3_600));
        sends(&alice, conversation, "hello");
        bob.syncs();
        if bob.sees(conversation).last().map(String::as_str) != Some("alice: hello") {
            lost.push((seed, bob.sees(conversation)));
        }
    }
    assert!(lost.is_empty(), "{} of 8 runs: {:?}", lost.len(), lost.first());
}

/// A status that is older than what this device did meanwhile looks like a server that was set back: the device
/// revokes itself and forgets the keys that messages wait for.
#[test]
fn a_message_that_came_during_upkeep_does_not_end_the_device() {
    let (_world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(3_600));
    bob.syncs();
    // Upkeep asks for the status; its answer is slow. Meanwhile a push makes the same page fetch a message.
    let slow = json!(status(&bob));
    sends(&alice, conversation, "one");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: one");
    sends(&alice, conversation, "two");
    bob.device.answer_next(FetchPrekeyStatus::PATH, slow);
    bob.maintains();
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: two", "repairs: {:?}", repairs(&bob));
}

/// The same with the account's one-time prekeys, and another device that was quicker.
#[test]
fn a_message_that_another_device_opened_during_upkeep_does_not_end_the_device() {
    let (world, alice, bob, conversation) = prepared();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.maintains();
    let slow = json!(status(&bob));
    sends(&alice, conversation, "one");
    elsewhere.syncs();
    bob.device.answer_next(FetchPrekeyStatus::PATH, slow);
    bob.maintains();
    assert_eq!(repairs(&bob), [], "an ordinary moment");
}

/// Nobody claims anything on a quiet server, so keys that are too old to be handed out still count as outstanding:
/// an ordinary month looks like a server that was set back.
#[test]
fn a_quiet_server_was_not_set_back() {
    let (world, _, _, _) = prepared();
    for seed in 0..3 {
        // A session lasts 30 days.
        let bob = Person::signs_in(&world, "bob", 300 + seed);
        bob.syncs();
        for _ in 0..4 {
            bob.maintains();
            world.pass_time(5 * DAY_MS);
        }
        assert!(!repairs(&bob).contains(&Repair::PrekeysReplaced), "in sign-in {seed}: {:?}", repairs(&bob));
    }
}

/// A full vault. The server's honest answer to a pin that grows.
#[test]
fn a_full_vault_does_not_stop_receiving() {
    let (world, alice, bob, conversation) = prepared();
    sends(&alice, conversation, "hello");
    bob.syncs();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.syncs();
    sends(&tablet, conversation, "from a new device");
    bob.device.set_hostility(|path: &str, request: &Value, honest: Result<Value, Refusal>| {
        if path == PutRow::PATH && request["row"]["kind"] == "pin" {
            Err(Code::QuotaExceeded.into())
        } else {
            honest
        }
    });
    let synced = block_on(bob.account.sync());
    assert!(synced.is_ok(), "{synced:?}");
    assert_eq!(bob.sees(conversation), ["alice: hello", "alice: from a new device"]);
}

fn device_of(person: &Person) -> (DeviceId, DeviceKey) {
    let records = person.storage.opened(&person.account.account_key().cache_key());
    records
        .into_iter()
        .find_map(|record| {
            let record: Value = serde_json::from_slice(&record).ok()?;
            let device: DeviceId = serde_json::from_value(record.get("device")?.clone()).ok()?;
            let seed: protocol::Binary = serde_json::from_value(record.get("seed")?.clone()).ok()?;
            Some((device, DeviceKey::from_seed(&DeviceSeed::from_bytes(seed.as_slice().try_into().unwrap()))))
        })
        .unwrap()
}

/// An envelope of the signed prekey that names a head which no log has. The server takes it.
fn sends_with_a_wrong_head(world: &World, from: &Person, to: &Person, seed: u64) -> MessageId {
    let rng = &mut Chance::new(seed);
    let people = [from, to].map(|person| person.account.me().account);
    let keys = block_on(from.device.call(FetchKeys { accounts: vec![people[1]] })).unwrap();
    let bundle = &keys.bundles[0];
    let prekey = bundle.prekey.verify(bundle.account, &bundle.identity).unwrap();
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let content = json!({"type": "text", "text": "nobody ever reads this"}).to_string();
    let message = MessageId::random(rng);
    let draft = Draft {
        conversation: ConversationId::of_set(people),
        message,
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::Never,
        content: content.as_bytes(),
    };
    let mut head = [0; 32];
    rng.fill(&mut head);
    let author = Author {
        account: people[0],
        identity: &identity,
        device,
        key: &key,
        log_head: LogHash::from_bytes(head),
    };
    let sealed = draft.seal_by_device(author, &[prekey], &[], rng).unwrap();
    let archived = json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
    let send = Send {
        envelope: sealed.envelope.to_bytes().into(),
        archived: Some(serde_json::from_value(archived).unwrap()),
    };
    block_on(from.device.call(send)).unwrap();
    message
}

/// A registered stranger's envelopes that name an unknown head are held: each costs every later sync calls and
/// writes, and keeps the signed prekey that they were sealed to alive.
#[test]
fn a_stranger_cannot_keep_a_replaced_signed_prekey_alive_or_make_each_sync_dear() {
    let (world, _, bob, _) = prepared();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    for seed in 0..20 {
        sends_with_a_wrong_head(&world, &mallory, &bob, 100 + seed);
    }
    bob.syncs();
    let before = bob.device.calls_to(FetchLogs::PATH);
    for _ in 0..5 {
        bob.syncs();
    }
    let logs = bob.device.calls_to(FetchLogs::PATH) - before;
    for _ in 0..4 {
        world.pass_time(5 * DAY_MS);
        bob.maintains();
    }
    world.pass_time(2 * DAY_MS);
    bob.maintains();
    assert!(status(&bob).signed.id().0 > 1, "it was replaced");
    assert_eq!(
        (bob.account.held_messages(), Loot::of(&bob).prekeys(PrekeyKind::Signed)),
        (0, 1),
        "{logs} calls"
    );
}

/// What a device that is revoked has made and not published is what is published after its end.
#[test]
fn after_a_revocation_no_prekey_serves_that_the_device_had() {
    let (world, alice, bob, conversation) = prepared();
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
    let message = sends(&alice, conversation, "after the end");
    assert_eq!(kinds(&world, message), [PrekeyKind::OneTime]);
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// The same with the signed prekey: the device only needs to leave the next one in the vault.
#[test]
fn an_interrupted_revocation_is_finished() {
    let (world, alice, bob, conversation) = prepared();
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
    let message = sends(&alice, conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// A new browser that has not read the history yet does not know the timer: what should disappear is archived.
#[test]
fn a_new_device_knows_the_timer_before_it_sends() {
    let (world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(3_600));
    let fresh = Person::signs_in(&world, "alice", 9);
    fresh.opens(&[&bob]);
    let message = sends(&fresh, conversation, "only for an hour");
    let archived = kinds(&world, message).contains(&PrekeyKind::OneTime);
    assert!(!archived, "it was sent as one that stays");
}

/// One registered stranger keeps everybody from sending disappearing messages to somebody.
#[test]
fn one_stranger_does_not_use_up_a_devices_prekeys() {
    let (world, alice, bob, conversation) = prepared();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    sets_timer(&alice, conversation, Some(3_600));
    let accounts = vec![bob.account.me().account];
    let mut claimed = 0;
    for _ in 0..20 {
        for _ in 0..60 {
            let claim = ClaimPrekeys { accounts: accounts.clone(), of_devices: true };
            claimed += block_on(mallory.device.call(claim)).unwrap().prekeys.len();
        }
        world.pass_time(60 * 1_000);
    }
    sends(&alice, conversation, "hello");
    assert_eq!(
        alice.states(conversation).last(),
        Some(&MessageState::Sent),
        "{claimed} claimed in 20 minutes"
    );
}

/// A lie about an archived key, once, is for ever: the record says that it does not open, and the key dies.
#[test]
fn a_wrong_archived_key_is_asked_for_again() {
    let (_world, alice, bob, conversation) = prepared();
    sends(&alice, conversation, "hello");
    let lied = std::cell::Cell::new(false);
    bob.device.set_hostility(move |path: &str, _: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        if path == FetchPage::PATH && !lied.replace(true) {
            for item in answer["items"].as_array_mut().unwrap() {
                item["archived"] =
                    json!({"epoch": protocol::Binary(vec![1; 16]), "sealed": protocol::Binary(vec![1; 60])});
            }
        }
        Ok(answer)
    });
    bob.syncs();
    bob.syncs();
    bob.maintains();
    assert_eq!(
        bob.sees(conversation),
        ["alice: hello"],
        "prekeys left: {}",
        Loot::of(&bob).prekeys(PrekeyKind::OneTime)
    );
}

/// Entries that are known already, as many as an answer holds: the device asks for ever, and never takes a breath.
#[test]
fn repeated_log_entries_end_sometime() {
    let (world, alice, bob, conversation) = prepared();
    sends(&alice, conversation, "hello");
    bob.syncs();
    let tablet = Person::signs_in(&world, "alice", 7);
    tablet.syncs();
    sends(&tablet, conversation, "from a new device");
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

/// The highest id that there is, said once, uses up all ids of one-time prekeys for ever.
#[test]
fn a_lie_about_the_last_id_does_not_use_up_all_ids() {
    let world = World::new(1);
    let [_, bob] = Person::couple(&world);
    bob.device.set_hostility(|path: &str, _: &Value, honest: Result<Value, Refusal>| {
        let mut answer = honest?;
        if path == FetchPrekeyStatus::PATH {
            answer["last_one_time"] = json!(u32::MAX - 1);
        }
        Ok(answer)
    });
    let _ = block_on(bob.account.maintain());
    bob.device.set_hostility(|_: &str, _: &Value, honest: Result<Value, Refusal>| honest);
    for _ in 0..3 {
        let _ = block_on(bob.account.maintain());
    }
    assert_eq!(status(&bob).one_time_left, 100);
}

/// The server is set back to a copy from before Bob read a message. Bob's device gives the newer rows back, in which
/// the key is erased, to a mailbox in which the message is still sealed to it.
#[test]
fn a_kept_message_survives_a_server_that_was_set_back() {
    let (world, alice, bob, conversation) = prepared();
    sends(&alice, conversation, "before the copy");
    let copy = world.copy_store();
    bob.syncs();
    assert_eq!(bob.sees(conversation), ["alice: before the copy"]);
    world.restore_store(&copy);
    for _ in 0..3 {
        let _ = block_on(bob.account.maintain());
    }
    let fresh = Person::signs_in(&world, "bob", 9);
    fresh.syncs();
    assert_eq!(fresh.sees(conversation), ["alice: before the copy"], "repairs: {:?}", repairs(&bob));
}

/// Two devices and a server that was set back: one of them never refreshes its vault again.
#[test]
fn two_devices_after_a_server_was_set_back() {
    let (world, alice, bob, conversation) = prepared();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.syncs();
    elsewhere.maintains();
    let copy = world.copy_store();
    // One device opens a message: its row of keys has a newer version.
    sends(&alice, conversation, "one");
    bob.syncs();
    world.restore_store(&copy);
    // The other one was away, and opens another message after that.
    let carol = Person::signs_up(&world, "carol", 55);
    carol.maintains();
    let other = carol.opens(&[&elsewhere]);
    sends(&carol, other, "from carol");
    elsewhere.syncs();
    let mut last = Ok(());
    for _ in 0..5 {
        let _ = block_on(bob.account.sync());
        last = block_on(bob.account.maintain());
    }
    assert_eq!(last, Ok(()));
}

/// What the document says of revocations does not happen at a new password.
#[test]
fn after_a_new_password_no_prekey_serves_that_a_revoked_device_had() {
    let (world, alice, bob, conversation) = prepared();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    let had = Loot::of(&stolen);
    let confirmation =
        client::Confirmation { password: crate::people::PASSWORD.to_owned().into(), code: None };
    block_on(bob.account.change_password(&confirmation, "ganz neu 8 Mal!")).unwrap();
    bob.maintains();
    assert_eq!(log_of(&bob).active().count(), 1, "the stolen device was revoked");
    let message = sends(&alice, conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// Who writes disappearing messages uses up the prekeys of the device that writes.
#[test]
fn a_sender_does_not_use_up_the_own_devices_prekeys() {
    let (world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(3_600));
    for number in 0..75 {
        alice.writes(conversation, &number.to_string());
        world.pass_time(20_000);
        block_on(alice.account.flush()).unwrap();
    }
    bob.syncs();
    assert_eq!(status(&alice).device_left, 100);
}

/// And after sixty in a row nothing is sent any more, though both are online.
#[test]
fn many_disappearing_messages_in_a_row_are_sent() {
    let (_world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(3_600));
    for number in 0..65 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let failed =
        alice.states(conversation).iter().filter(|state| matches!(state, MessageState::Failed(_))).count();
    assert_eq!(failed, 0);
}

/// The key of a message whose time is over, and that the server has not swept yet, stays on the device.
#[test]
fn the_device_prekey_of_a_message_that_came_too_late_dies() {
    let (world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(60));
    sends(&alice, conversation, "a minute");
    world.pass_time(61_000);
    bob.syncs();
    world.erase_expired();
    bob.syncs();
    let names = bob.storage.names();
    let prekeys = names.iter().filter(|name| name.contains("/device-prekey/")).count();
    assert_eq!(prekeys, 99);
}

/// A full log (or whatever refuses the entry) leaves the thief's session as it is.
#[test]
fn a_session_is_ended_though_the_log_takes_no_more() {
    let (world, _, bob, _) = prepared();
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

/// Two tabs each of two people, everything at once, in a disappearing conversation.
#[test]
fn disappearing_messages_of_tabs_that_race() {
    use std::{
        cell::RefCell,
        future::Future,
        pin::Pin,
        rc::Rc,
        task::{Context, Poll, Waker},
    };
    let mut bad = Vec::new();
    for seed in 1..=6 {
        let world = World::new(seed);
        let [alice, bob] = Person::couple(&world);
        alice.maintains();
        bob.maintains();
        let conversation = alice.opens(&[&bob]);
        sets_timer(&alice, conversation, Some(30 * 24 * 3_600));
        for person in [&alice, &bob] {
            person.syncs();
        }
        let owners = [&alice, &alice, &bob, &bob];
        let taken: Rc<RefCell<Vec<String>>> = Rc::default();
        let mut chance = Chance::new(seed ^ 0x77);
        let live = |number: usize, person: Person, seed: u64| {
            let taken = Rc::clone(&taken);
            async move {
                let mut chance = Chance::new(seed);
                person.device.set_faults(8);
                person.device.unsteady.store(true, Ordering::Relaxed);
                _ = person.account.load().await;
                for _ in 0..10 {
                    match chance.below(8) {
                        0 => _ = person.account.load().await,
                        1 => _ = person.account.sync().await,
                        2 => _ = person.account.flush().await,
                        3 => {
                            _ = futures::join!(
                                person.account.flush(),
                                person.account.sync(),
                                person.account.maintain()
                            )
                        }
                        4 => _ = person.account.maintain().await,
                        _ => {
                            let text = format!("{number}/{}", chance.next());
                            if person.account.compose(conversation, &text).await.is_ok() {
                                taken.borrow_mut().push(text);
                            }
                            _ = futures::join!(person.account.flush(), person.account.sync());
                        }
                    }
                }
            }
        };
        let mut running: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>> = Vec::new();
        for (number, owner) in owners.iter().enumerate() {
            running.push(Some(Box::pin(live(
                number,
                owner.opens_a_tab(&world, chance.next()),
                chance.next(),
            ))));
        }
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let alive: Vec<usize> = (0..running.len()).filter(|n| running[*n].is_some()).collect();
            if alive.is_empty() {
                break;
            }
            let number = alive[chance.below(alive.len())];
            if chance.below(1_000) == 0 {
                running[number] = Some(Box::pin(live(
                    number,
                    owners[number].opens_a_tab(&world, chance.next()),
                    chance.next(),
                )));
                continue;
            }
            if let Poll::Ready(()) = running[number].as_mut().unwrap().as_mut().poll(&mut context) {
                running[number] = None;
            }
            world.pass_time(chance.next() % 3);
        }
        world.pass_time(3_600_000);
        let last: Vec<Person> = [&alice, &bob].map(|person| person.opens_a_tab(&world, chance.next())).into();
        for _ in 0..2 {
            for person in &last {
                _ = block_on(person.account.load());
                _ = block_on(person.account.flush());
                _ = block_on(person.account.sync());
            }
        }
        for person in &last {
            let seen = person.sees(conversation);
            let states = person.states(conversation);
            for text in taken.borrow().iter() {
                let count = seen.iter().filter(|line| line.ends_with(&format!(": {text}"))).count();
                if count != 1 {
                    let mended = last.iter().map(repairs).collect::<Vec<_>>();
                    let told = format!("{text} {mended:?}");
                    bad.push((seed, person.account.me().username.to_string(), told, count));
                }
            }
            if seen.iter().any(|line| line.ends_with(": ?"))
                || states.iter().any(|s| matches!(s, MessageState::Failed(_)))
            {
                bad.push((
                    seed,
                    person.account.me().username.to_string(),
                    format!("{:?}", states.iter().find(|s| matches!(s, MessageState::Failed(_)))),
                    0,
                ));
            }
        }
    }
    assert!(bad.is_empty(), "{} {:#?}", bad.len(), &bad[..bad.len().min(12)]);
}

/// A server that was set back: until its mailbox has grown again, nothing is received and nothing is looked after;
/// what is sent meanwhile never comes back.
#[test]
fn sync_goes_on_after_a_server_was_set_back() {
    let (world, alice, bob, conversation) = prepared();
    sends(&alice, conversation, "one");
    bob.syncs();
    alice.syncs();
    let copy = world.copy_store();
    for text in ["two", "three", "four"] {
        sends(&alice, conversation, text);
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

/// A contact's timer that disappears itself: the conversation's timer goes back without a trace.
#[test]
fn a_timer_is_not_set_by_what_disappears() {
    let (world, alice, bob, conversation) = prepared();
    sets_timer(&alice, conversation, Some(3_600));
    bob.syncs();
    let rng = &mut Chance::new(6);
    let accounts = [&alice, &bob].map(|person| person.account.me().account);
    let (device, key) = device_of(&bob);
    let claim = ClaimPrekeys { accounts: vec![accounts[0]], of_devices: true };
    let claimed = block_on(bob.device.call(claim)).unwrap().prekeys.remove(0);
    let log = log_of(&alice);
    let theirs = log.device(claimed.device.unwrap()).unwrap().key;
    let prekey = claimed
        .prekey
        .verify_of_device(
            accounts[0],
            &Loot::of(&alice).identity().public(),
            claimed.device.unwrap(),
            &theirs,
        )
        .unwrap();
    let content = json!({"type": "timer", "seconds": 0}).to_string();
    let draft = Draft {
        conversation,
        message: MessageId::random(rng),
        parents: &[],
        sent_at_ms: world.now_ms(),
        expiry: Expiry::AfterSeconds(5),
        content: content.as_bytes(),
    };
    let identity = Loot::of(&bob).identity().public();
    let author = Author {
        account: accounts[1],
        identity: &identity,
        device,
        key: &key,
        log_head: log_of(&bob).head(),
    };
    let sealed = draft.seal_by_device(author, &[prekey], &[], rng).unwrap();
    block_on(bob.device.call(Send { envelope: sealed.envelope.to_bytes().into(), archived: None })).unwrap();
    alice.syncs();
    let message = sends(&alice, conversation, "only for an hour");
    world.pass_time(6_000);
    block_on(alice.account.forget()).unwrap();
    alice.syncs();
    let shown = alice.sees(conversation);
    assert_eq!(kinds(&world, message), [PrekeyKind::Device], "it stays, and all that is seen is {shown:?}");
}

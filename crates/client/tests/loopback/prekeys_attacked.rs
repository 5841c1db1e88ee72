//! Prekeys, where the server lies about them, a stranger wants them, or two tabs make them at once: each the story in which it once
//! went wrong.

use std::sync::atomic::Ordering;

use client::{Device as _, MessageState, Repair};
use crypto::{
    envelope::{Author, Draft, Envelope, Expiry},
    id::{LogHash, MessageId},
    prekey::PrekeyKind,
};
use futures::executor::block_on;
use protocol::{
    Call, Refusal,
    device::FetchLogs,
    directory::FetchKeys,
    id::ConversationId,
    mailbox::FetchPage,
    prekey::{ClaimPrekeys, FetchPrekeyStatus},
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, delivers_all, device_of},
    chance::Chance,
    people::Person,
    world::World,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// One lie in the status (any parseable signed prekey with a high id, of whoever) erases every signed prekey of the
/// vault; then the account never opens again, on any device, with an honest server.
#[test]
fn a_lie_about_the_published_prekey_does_not_erase_the_keys() {
    let (world, _, bob, _) = Person::prepared_couple();
    let foreign = somebodys_signed_prekey(bob.prekey_status().signed.id().0 + 1_000);
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
        alice.sets_timer(conversation, Some(3_600));
        alice.sends(conversation, "hello");
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
    let (_world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(3_600));
    bob.syncs();
    // Upkeep asks for the status; its answer is slow. Meanwhile a push makes the same page fetch a message.
    let slow = json!(bob.prekey_status());
    alice.sends(conversation, "one");
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: one");
    alice.sends(conversation, "two");
    bob.device.answer_next(FetchPrekeyStatus::PATH, slow);
    bob.maintains();
    bob.syncs();
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: two", "repairs: {:?}", bob.repairs());
}

/// The same with the account's one-time prekeys, and another device that was quicker.
#[test]
fn a_message_that_another_device_opened_during_upkeep_does_not_end_the_device() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let elsewhere = Person::signs_in(&world, "bob", 9);
    elsewhere.maintains();
    let slow = json!(bob.prekey_status());
    alice.sends(conversation, "one");
    elsewhere.syncs();
    bob.device.answer_next(FetchPrekeyStatus::PATH, slow);
    bob.maintains();
    assert_eq!(bob.repairs(), [], "an ordinary moment");
}

/// Nobody claims anything on a quiet server, so keys that are too old to be handed out still count as outstanding:
/// an ordinary month looks like a server that was set back.
#[test]
fn a_quiet_server_was_not_set_back() {
    let (world, _, _, _) = Person::prepared_couple();
    for seed in 0..3 {
        // A session lasts 30 days.
        let bob = Person::signs_in(&world, "bob", 300 + seed);
        bob.syncs();
        for _ in 0..4 {
            bob.maintains();
            world.pass_time(5 * DAY_MS);
        }
        assert!(!bob.repairs().contains(&Repair::PrekeysReplaced), "in sign-in {seed}: {:?}", bob.repairs());
    }
}

/// An envelope of the signed prekey that names a head which no log has.
fn seals_with_a_wrong_head(world: &World, from: &Person, to: &Person, seed: u64) -> Envelope {
    let rng = &mut Chance::new(seed);
    let people = [from, to].map(|person| person.account.me().account);
    let keys = block_on(from.device.call(FetchKeys { accounts: vec![people[1]] })).unwrap();
    let bundle = &keys.bundles[0];
    let prekey = bundle.prekey.verify(bundle.account, &bundle.identity).unwrap();
    let (device, key) = device_of(from);
    let identity = Loot::of(from).identity().public();
    let content = json!({"type": "text", "text": "nobody ever reads this"}).to_string();
    let draft = Draft {
        conversation: ConversationId::of_set(people),
        message: MessageId::random(rng),
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
    draft.seal_by_device(author, &[prekey], &[], rng).unwrap().envelope
}

/// A registered stranger's envelopes that name an unknown head, from a server that takes them, are held: each costs every later
/// sync calls and writes, and keeps the signed prekey that they were sealed to alive.
#[test]
fn a_stranger_cannot_keep_a_replaced_signed_prekey_alive_or_make_each_sync_dear() {
    let (world, _, bob, _) = Person::prepared_couple();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    let sealed: Vec<Envelope> =
        (0..20).map(|seed| seals_with_a_wrong_head(&world, &mallory, &bob, 100 + seed)).collect();
    delivers_all(&bob, 1, &sealed);
    assert_eq!(bob.syncs().held, 20);
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
    assert!(bob.prekey_status().signed.id().0 > 1, "it was replaced");
    assert_eq!(
        (bob.account.held_messages(), Loot::of(&bob).prekeys(PrekeyKind::Signed)),
        (0, 1),
        "{logs} calls"
    );
}

/// One registered stranger keeps everybody from sending disappearing messages to somebody.
#[test]
fn one_stranger_does_not_use_up_a_devices_prekeys() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let mallory = Person::signs_up(&world, "mallory", 66);
    mallory.maintains();
    alice.sets_timer(conversation, Some(3_600));
    let accounts = vec![bob.account.me().account];
    let mut claimed = 0;
    for _ in 0..20 {
        for _ in 0..60 {
            let claim = ClaimPrekeys { accounts: accounts.clone(), of_devices: true };
            claimed += block_on(mallory.device.call(claim)).unwrap().prekeys.len();
        }
        world.pass_time(60 * 1_000);
    }
    alice.sends(conversation, "hello");
    assert_eq!(
        alice.states(conversation).last(),
        Some(&MessageState::Sent),
        "{claimed} claimed in 20 minutes"
    );
}

/// A lie about an archived key, once, is for ever: the record says that it does not open, and the key dies.
#[test]
fn a_wrong_archived_key_is_asked_for_again() {
    let (_world, alice, bob, conversation) = Person::prepared_couple();
    alice.sends(conversation, "hello");
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
    assert_eq!(bob.prekey_status().one_time_left, 100);
}

/// Who writes disappearing messages uses up the prekeys of the device that writes.
#[test]
fn a_sender_does_not_use_up_the_own_devices_prekeys() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.sets_timer(conversation, Some(3_600));
    for number in 0..75 {
        alice.writes(conversation, &number.to_string());
        world.pass_time(20_000);
        block_on(alice.account.flush()).unwrap();
    }
    bob.syncs();
    assert_eq!(alice.prekey_status().device_left, 100);
}

/// One lie about the last number.
#[test]
fn one_lie_about_the_last_number_does_not_end_one_time_prekeys() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    for number in 0..80 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let mut lies = 2;
    bob.device.set_hostility(move |path, _, honest| {
        let mut answer = honest?;
        if path == FetchPrekeyStatus::PATH && lies > 0 {
            lies -= 1;
            answer["last_one_time"] = json!(u32::MAX / 2 - 1);
        }
        Ok(answer)
    });
    let _ = block_on(bob.account.maintain());
    for _ in 0..2 {
        let _ = block_on(bob.account.maintain());
    }
    world.pass_time(3_600_000);
    for number in 0..99 {
        alice.writes(conversation, &number.to_string());
        if number == 50 {
            world.pass_time(3_600_000);
        }
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    for _ in 0..3 {
        let _ = block_on(bob.account.maintain());
    }
    let status = bob.prekey_status();
    assert!(status.one_time_left >= 30, "{}", status.one_time_left);
}

//! What a device that is ended leaves behind: each the story in which it once went wrong.

use client::{CallError, Device as _};
use crypto::{
    id::PrekeyId,
    prekey::{PrekeyKind, PrekeySecret, PrekeySeed},
    vault::{VaultKind, VaultPlace},
};
use futures::executor::block_on;
use protocol::{
    Binary, Call, Code, Refusal,
    prekey::{ClaimPrekeys, PublishPrekeys},
    profile::ChangePassword,
    vault::{PutRow, Row},
};
use serde_json::{Value, json};

use crate::{
    attacker::{Loot, kinds, opens_for_any},
    chance::Chance,
    meanwhile::now,
    people::{PASSWORD, Person},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn put_row(thief: &Person, kind: VaultKind, key_id: &[u8], content: &[u8], chance: &mut Chance) {
    let account = thief.account.me().account;
    let place = VaultPlace { account, kind, key_id, version: 1 };
    let sealed = thief.account.account_key().vault_key().seal(place, content, chance);
    let row = Row { kind, key_id: Binary(key_id.to_vec()), version: 1, sealed: Binary(sealed) };
    block_on(thief.device.call(PutRow { row, after: None })).unwrap();
}

/// It leaves the last number of all in the vault.
#[test]
fn after_a_revocation_the_last_number_of_all_does_not_serve() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    let content = [7_u64.to_be_bytes().as_slice(), &[5; 32]].concat();
    put_row(&stolen, VaultKind::Prekey, &u32::MAX.to_be_bytes(), &content, &mut Chance::new(5));
    let had = Loot::of(&stolen);
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    let _ = block_on(bob.account.maintain());
    world.pass_time(9 * DAY_MS / 2);
    let _ = block_on(bob.account.maintain());
    alice.syncs();
    alice.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    let message = alice.sends(conversation, "after the end");
    assert_eq!(kinds(&world, message), [PrekeyKind::Signed]);
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// It would publish the last numbers of all.
#[test]
fn after_a_revocation_the_account_gets_prekeys_again() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    let identity = Loot::of(&stolen).identity().clone();
    let account = bob.account.me().account;
    let prekey = PrekeySecret::generate(PrekeyId(u32::MAX), u64::MAX, &mut Chance::new(5));
    let signed = Some(prekey.sign(account, &identity));
    let last = PrekeySeed::from_bytes(&[6; 32]);
    let last = PrekeySecret::one_time(PrekeyId(u32::MAX), 9, &last);
    let one_time = vec![last.sign(account, &identity)];
    for (signed, one_time) in [(signed, Vec::new()), (None, one_time)] {
        let publish = PublishPrekeys { signed, one_time, ..PublishPrekeys::default() };
        assert!(block_on(stolen.device.call(publish)).is_err());
    }
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    for _ in 0..3 {
        let _ = block_on(bob.account.maintain());
    }
    for text in ["after the end", "another"] {
        alice.says(conversation, text);
    }
    bob.syncs();
    let _ = &world;
    assert_eq!(bob.sees(conversation).last().unwrap(), "alice: another");
}

/// It leaves a batch of numbers beyond those that a device makes.
#[test]
fn after_a_revocation_no_batch_serves_that_the_thief_left_beyond_all_numbers() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    for number in 0..80 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    let fingerprint = Loot::of(&stolen).identity().public().fingerprint();
    let key_id = [&fingerprint.to_bytes()[..28], &9_u32.to_be_bytes()].concat();
    let mut content = [
        (u32::MAX / 2 + 5).to_be_bytes().as_slice(),
        &1_000_u64.to_be_bytes(),
        &(u64::MAX - 1).to_be_bytes(),
    ]
    .concat();
    for number in 1..=100_u8 {
        content.extend([number; 32]);
    }
    put_row(&stolen, VaultKind::OneTimePrekeys, &key_id, &content, &mut Chance::new(5));
    let had = Loot::of(&stolen);
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    for _ in 0..2 {
        let _ = block_on(bob.account.maintain());
    }
    world.pass_time(2 * DAY_MS);
    let _ = block_on(bob.account.maintain());
    let message = alice.sends(conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// It never said which device it is, was ended, and is there again on a restored server.
#[test]
fn a_session_without_a_device_is_ended_again() {
    let (world, alice, _bob, conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "alice", 6);
    let backup = world.copy_store();
    block_on(alice.account.end_session(stolen.account.session().session)).unwrap();
    alice.says(conversation, "later");
    alice.maintains();
    world.restore_store(&backup);
    for _ in 0..3 {
        let _ = block_on(alice.account.maintain());
        world.pass_time(3_600_000);
    }
    assert!(block_on(stolen.account.sync()).is_err(), "its session is there again");
}

/// It fills the vault.
#[test]
fn a_full_vault_does_not_keep_a_revocation_from_taking_prekeys_back() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    alice.says(conversation, "one");
    bob.syncs();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    let mut chance = Chance::new(5);
    let refused = loop {
        let mut key_id = [0; 32];
        chance.fill(&mut key_id);
        let content = [[0; 20].as_slice(), &[1; 32 * 126]].concat();
        let account = stolen.account.me().account;
        let kind = VaultKind::OneTimePrekeys;
        let place = VaultPlace { account, kind, key_id: &key_id, version: 1 };
        let sealed = stolen.account.account_key().vault_key().seal(place, &content, &mut chance);
        let row = Row { kind, key_id: Binary(key_id.to_vec()), version: 1, sealed: Binary(sealed) };
        if let Err(refused) = block_on(stolen.device.call(PutRow { row, after: None })) {
            break refused;
        }
    };
    assert!(matches!(refused, CallError::Refused(refusal) if refusal.code == Code::QuotaExceeded));
    let had = Loot::of(&stolen);
    block_on(bob.account.end_session(stolen.account.session().session)).unwrap();
    let mut last = Ok(());
    for _ in 0..3 {
        last = block_on(bob.account.maintain());
    }
    let message = alice.sends(conversation, "after the end");
    assert_eq!(last, Ok(()), "no upkeep any more");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// The answer to a new password is lost.
#[test]
fn a_new_password_whose_answer_is_lost_replaces_prekeys() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    let had = Loot::of(&stolen);
    let confirmation = client::Confirmation { password: PASSWORD.to_owned().into(), code: None };
    bob.device.set_hostility(
        |path: &str, _: &Value, honest: Result<Value, Refusal>| {
            if path == ChangePassword::PATH { Err(Code::Busy.into()) } else { honest }
        },
    );
    assert!(block_on(bob.account.change_password(&confirmation, "ganz neu 8 Mal!")).is_err());
    assert!(block_on(stolen.account.sync()).is_err());
    for _ in 0..3 {
        bob.maintains();
    }
    let message = alice.sends(conversation, "after the end");
    assert!(!opens_for_any(&world, &[had], &alice, message), "the revoked device opens it alone");
}

/// A new password that was refused replaces nothing.
#[test]
fn a_new_password_that_is_refused_replaces_no_prekeys() {
    let (_world, _alice, bob, _conversation) = Person::prepared_couple();
    let before = (Loot::of(&bob).epochs(), bob.prekey_status().last_one_time);
    let wrong = client::Confirmation { password: "not this one 5!".to_owned().into(), code: None };
    assert!(block_on(bob.account.change_password(&wrong, "ganz neu 8 Mal!")).is_err());
    bob.maintains();
    assert_eq!((Loot::of(&bob).epochs(), bob.prekey_status().last_one_time), before);
}

fn put_signed(stolen: &Person, id: u32, sequence: u64) {
    let content = [sequence.to_be_bytes().as_slice(), &[5; 32]].concat();
    put_row(stolen, VaultKind::Prekey, &id.to_be_bytes(), &content, &mut Chance::new(5));
}

fn put_batch(stolen: &Person, first: u32, made_at_ms: u64) {
    let fingerprint = Loot::of(stolen).identity().public().fingerprint();
    let key_id = [&fingerprint.to_bytes()[..28], &9_u32.to_be_bytes()].concat();
    let mut content =
        [first.to_be_bytes().as_slice(), &1_000_u64.to_be_bytes(), &made_at_ms.to_be_bytes()].concat();
    for number in 1..=100_u8 {
        content.extend([number; 32]);
    }
    put_row(stolen, VaultKind::OneTimePrekeys, &key_id, &content, &mut Chance::new(5));
}

/// A signed prekey beyond what the relay takes.
#[test]
fn a_signed_prekey_of_a_number_that_is_far_ahead_does_not_serve_after_an_end() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_signed(&stolen, 500_000, 7);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    alice.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

/// A batch beyond what the relay takes.
#[test]
fn a_batch_of_numbers_that_are_far_ahead_does_not_serve_after_an_end() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_batch(&stolen, 500_000, 0);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

/// The highest signed number that counts.
#[test]
fn a_signed_prekey_of_the_highest_number_does_not_serve_after_an_end() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_signed(&stolen, u32::MAX / 2, 7);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    alice.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

/// The sequence.
#[test]
fn a_signed_prekey_of_a_sequence_that_is_far_ahead_does_not_serve_after_an_end() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_signed(&stolen, 2_000, u64::MAX / 2);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    alice.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

/// A batch at the highest numbers that count.
#[test]
fn a_batch_of_the_highest_numbers_does_not_serve_after_an_end() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    for number in 0..80 {
        alice.writes(conversation, &number.to_string());
    }
    block_on(alice.account.flush()).unwrap();
    bob.syncs();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_batch(&stolen, u32::MAX / 2 - 5, 0);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

/// It walks the numbers ahead in steps that the relay takes.
#[test]
fn numbers_that_were_walked_ahead_do_not_end_one_time_prekeys() {
    let (world, alice, bob, conversation) = Person::acquainted_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    let identity = Loot::of(&stolen).identity().clone();
    let account = bob.account.me().account;
    for step in 1..=11_u32 {
        let seed = PrekeySeed::from_bytes(&[6; 32]);
        let prekey = PrekeySecret::one_time(PrekeyId(step * 99_000), 9, &seed);
        let publish =
            PublishPrekeys { one_time: vec![prekey.sign(account, &identity)], ..PublishPrekeys::default() };
        block_on(stolen.device.call(publish)).unwrap();
    }
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    let _ = (alice, conversation);
    assert!(bob.prekey_status().one_time_left > 0);
}

/// An upkeep in another tab while the new password is on its way.
#[test]
fn an_upkeep_during_a_new_password_leaves_nothing_to_the_others() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    stolen.maintains();
    bob.maintains();
    let tab = bob.opens_a_tab(&world, 77);
    tab.syncs();
    let had = std::sync::Arc::new(std::sync::Mutex::new(None));
    let taken = std::sync::Arc::clone(&had);
    let stolen = std::sync::Arc::new(stolen);
    let thief = std::sync::Arc::clone(&stolen);
    let tabs = tab.account.clone();
    bob.device.before(ChangePassword::PATH, move || {
        now(tabs.maintain()).unwrap();
        *taken.lock().unwrap() = Some(thief);
    });
    // The thief looks at the vault just before its session ends.
    let loot = std::sync::Arc::new(std::sync::Mutex::new(None));
    let _ = had;
    let confirmation = client::Confirmation { password: PASSWORD.to_owned().into(), code: None };
    let l2 = std::sync::Arc::clone(&loot);
    let tabs2 = tab.account.clone();
    let s2 = std::sync::Arc::clone(&stolen);
    bob.device.before(ChangePassword::PATH, move || {
        now(tabs2.maintain()).unwrap();
        *l2.lock().unwrap() = Some(std::thread::spawn(move || Loot::of(&s2)).join().unwrap());
    });
    block_on(bob.account.change_password(&confirmation, "ganz neu 8 Mal!")).unwrap();
    assert!(block_on(stolen.account.sync()).is_err());
    for _ in 0..3 {
        bob.maintains();
        world.pass_time(3_600_000);
    }
    let had = loot.lock().unwrap().take().unwrap();
    alice.syncs();
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens);
}

/// A higher number with a low sequence.
#[test]
fn a_signed_prekey_of_a_low_sequence_keeps_no_other_from_serving() {
    let (world, alice, bob, conversation) = Person::prepared_couple();
    let stolen = Person::signs_in(&world, "bob", 9);
    stolen.syncs();
    put_signed(&stolen, 5_000, 0);
    let had = Loot::of(&stolen);
    let _ = block_on(bob.account.end_session(stolen.account.session().session));
    let mut last = Vec::new();
    for _ in 0..3 {
        last.push(block_on(bob.account.maintain()));
        world.pass_time(3_600_000);
    }
    alice.syncs();
    alice.device.answer_next(ClaimPrekeys::PATH, json!({"prekeys": []}));
    let message = alice.sends(conversation, "after the end");
    let opens = opens_for_any(&world, &[had], &alice, message);
    assert!(!opens && last.iter().all(Result::is_ok));
}

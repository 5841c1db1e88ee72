//! Stories of forgotten passwords: who gets in again, and what stays.

use std::sync::{Arc, Mutex};

use client::{
    KeysAfterReset, RecoveryKeyRefused, Redeemed, Reset, ResetError, SealedVaultError, SealedVaultOpener,
    forgot_password,
};
use crypto::{one_time::ResetToken, recovery::RecoveryKeyTypo};
use futures::executor::block_on;
use protocol::{
    Call, Code, Refusal,
    prekey::PublishPrekeys,
    profile::SealedVault,
    reset::{CheckReset, RedeemReset},
    vault::FetchSealedVault,
};
use relay::mail::{Event, Letter};
use serde_json::{Value, json};

use crate::{
    attacker::{caught, delivers},
    device::{Storage, TestDevice},
    people::{PASSWORD, Person},
    world::World,
};

const NEW_PASSWORD: &str = "Der neue Wald hat 9 Wege!";
const NEWER_PASSWORD: &str = "Im dritten Wald sind 27 Tiere!";
const HOUR_MS: u64 = 3_600_000;

/// A browser that nobody is signed in on.
fn fresh_device(world: &Arc<World>, seed: u64) -> Arc<TestDevice> {
    // Another one each time: the same seed would draw the same keys.
    TestDevice::new(world, &Storage::default(), seed ^ world.now_ms())
}

/// Asks for a mail, and takes the token out of it.
fn token_from_mail(world: &Arc<World>, name: &str) -> ResetToken {
    world.pass_time(HOUR_MS);
    let address = format!("{name}@example.org");
    block_on(forgot_password(&*fresh_device(world, 77), address.parse().unwrap())).unwrap();
    let mails = world.post().into_iter().filter(|(to, _)| *to == address);
    let token = mails.into_iter().find_map(|(_, letter)| match letter {
        Letter::ResetPassword { accounts } => Some(accounts[0].1.clone()),
        _ => None,
    });
    token.expect("the mail came")
}

fn check(world: &Arc<World>, token: &ResetToken) -> Result<Reset<TestDevice>, ResetError> {
    block_on(Reset::check(fresh_device(world, 78), token.clone()))
}

fn redeem(reset: &Reset<TestDevice>, password: &str, keys: KeysAfterReset) -> Result<Redeemed, ResetError> {
    block_on(reset.redeem(password, None, keys))
}

fn signs_in(world: &Arc<World>, name: &str, password: &str, seed: u64) -> Person {
    Person::tries_to_sign_in(world, name, password, None, seed).unwrap()
}

fn sealed_vaults(person: &Person) -> Vec<SealedVault> {
    block_on(person.account.profile()).unwrap().sealed_vaults
}

fn by_password(password: &str) -> SealedVaultOpener {
    SealedVaultOpener::Password(password.to_owned().into())
}

fn by_recovery_key(key: &str) -> SealedVaultOpener {
    SealedVaultOpener::RecoveryKey(key.to_owned().into())
}

#[test]
fn with_the_recovery_key_everything_stays_and_nobody_is_warned() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    bob.syncs();

    let token = token_from_mail(&world, "alice");
    let reset = check(&world, &token).unwrap();
    assert_eq!(reset.username().as_str(), "alice");
    assert!(!reset.second_factor());
    let key = reset.open_with_recovery_key(&alice.recovery_key.to_lowercase().replace('-', " ")).unwrap();
    assert!(redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(key)).unwrap().fresh.is_none());
    assert!(block_on(alice.account.sync()).is_err(), "every session ended");
    assert!(Person::tries_to_sign_in(&world, "alice", PASSWORD, None, 3).is_err());

    let again = signs_in(&world, "alice", NEW_PASSWORD, 4);
    again.syncs();
    bob.says(talk, "after");
    again.syncs();
    assert_eq!(again.sees(talk), ["alice: before", "bob: after"]);
    assert_eq!(sealed_vaults(&again), []);
    block_on(again.account.test_recovery_key(&alice.recovery_key)).expect("it is the same key");
    let told = world.post().into_iter().any(|(to, letter)| {
        let event = Event::PasswordReset { keys_kept: true };
        to == "alice@example.org" && matches!(letter, Letter::Notice { event: it, .. } if it == event)
    });
    assert!(told, "its owner is told");
}

#[test]
fn without_the_keys_the_account_begins_anew_and_the_old_password_opens_what_was_written() {
    let world = World::new(2);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "mine, before");
    bob.syncs();
    bob.says(talk, "theirs, before");

    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    let fresh = redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).unwrap().fresh;
    let (_, new_recovery_key) = fresh.unwrap();
    let again = signs_in(&world, "alice", NEW_PASSWORD, 4);
    again.syncs();
    assert_eq!((again.sees(talk), again.account.locked_messages()), (vec![], 2), "sealed, and counted");

    bob.writes(talk, "between");
    block_on(bob.account.flush()).unwrap();
    let thread = bob.account.thread(talk).unwrap();
    assert_eq!(thread.changed_keys.len(), 1, "contacts are warned, and nothing is sent until they look");
    let number = bob.account.safety_number(again.account.me().account).unwrap();
    block_on(bob.account.accept_key(again.account.me().account, number)).unwrap();
    block_on(bob.account.flush()).unwrap();
    again.syncs();
    assert_eq!(again.sees(talk), ["bob: between"]);

    let [vault] = sealed_vaults(&again).try_into().unwrap();
    let wrong = block_on(again.account.open_sealed_vault(&vault, &by_password(NEW_PASSWORD)));
    assert_eq!(wrong, Err(SealedVaultError::WrongPassword));
    assert_eq!(block_on(again.account.open_sealed_vault(&vault, &by_password(PASSWORD))), Ok(2));
    assert_eq!(again.sees(talk), ["alice: mine, before", "bob: theirs, before", "bob: between"]);
    assert_eq!((again.account.locked_messages(), sealed_vaults(&again)), (0, vec![]));
    block_on(again.account.test_recovery_key(&new_recovery_key.to_text())).unwrap();

    again.says(talk, "mine, after");
    bob.syncs();
    assert_eq!(bob.sees(talk).last().unwrap(), "alice: mine, after");
    let third = signs_in(&world, "alice", NEW_PASSWORD, 5);
    third.syncs();
    assert_eq!(third.sees(talk).len(), 4, "a new device has all of it");
}

#[test]
fn the_old_recovery_key_opens_what_a_reset_put_away_also_after_a_second_reset() {
    let world = World::new(3);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "first life");
    let lose = |password| {
        let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
        redeem(&reset, password, KeysAfterReset::Lose).unwrap().fresh.unwrap().1
    };
    lose(NEW_PASSWORD);
    let second = signs_in(&world, "alice", NEW_PASSWORD, 4);
    second.syncs();
    second.opens(&[&bob]);
    second.says(talk, "second life");
    let third_key = lose(NEWER_PASSWORD);
    let third = signs_in(&world, "alice", NEWER_PASSWORD, 5);
    third.syncs();
    assert_eq!(third.account.locked_messages(), 2);

    let vaults = sealed_vaults(&third);
    assert_eq!(vaults.iter().map(|vault| vault.number).collect::<Vec<_>>(), [1, 2]);
    let open = |vault: &SealedVault, opener| block_on(third.account.open_sealed_vault(vault, &opener));
    assert_eq!(
        open(&vaults[0], by_recovery_key(&third_key.to_text())),
        Err(RecoveryKeyRefused::OfAnother.into())
    );
    assert_eq!(
        open(&vaults[0], by_recovery_key("K7QD")),
        Err(RecoveryKeyRefused::from(RecoveryKeyTypo::Length(4)).into())
    );
    assert_eq!(open(&vaults[0], by_recovery_key(&alice.recovery_key)), Ok(1));
    assert_eq!(third.sees(talk), ["alice: first life"]);
    assert_eq!(open(&vaults[1], by_password(NEW_PASSWORD)), Ok(1));
    assert_eq!(third.sees(talk), ["alice: first life", "alice: second life"]);
}

#[test]
fn what_the_second_life_had_taken_over_from_the_first_opens_in_the_third() {
    let world = World::new(4);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "first life");
    let lose = |password| {
        let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
        redeem(&reset, password, KeysAfterReset::Lose).unwrap();
    };
    lose(NEW_PASSWORD);
    let second = signs_in(&world, "alice", NEW_PASSWORD, 4);
    second.syncs();
    let vault = sealed_vaults(&second).remove(0);
    block_on(second.account.open_sealed_vault(&vault, &by_password(PASSWORD))).unwrap();
    lose(NEWER_PASSWORD);
    let third = signs_in(&world, "alice", NEWER_PASSWORD, 5);
    third.syncs();
    let vault = sealed_vaults(&third).remove(0);
    assert_eq!(block_on(third.account.open_sealed_vault(&vault, &by_password(NEW_PASSWORD))), Ok(1));
    assert_eq!(third.sees(talk), ["alice: first life"]);
}

#[test]
fn another_device_reads_on_after_one_has_opened_what_was_put_away() {
    let world = World::new(5);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).unwrap();
    let [one, other] = [4, 5].map(|seed| signs_in(&world, "alice", NEW_PASSWORD, seed));
    one.syncs();
    other.syncs();
    let vault = sealed_vaults(&one).remove(0);
    block_on(one.account.open_sealed_vault(&vault, &by_password(PASSWORD))).unwrap();
    other.syncs();
    assert_eq!((other.sees(talk), other.account.locked_messages()), (vec!["alice: before".to_owned()], 0));
}

#[test]
fn a_page_that_is_still_open_keeps_everything_without_the_recovery_key() {
    let world = World::new(6);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    alice.writes(talk, "waiting");
    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    assert_eq!(reset.account(), alice.account.me().account);
    let key = alice.account.account_key().clone();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(key)).unwrap();

    // The same browser signs in again: what waited there is sent.
    let form = client::SignIn { password: NEW_PASSWORD.to_owned().into(), ..crate::people::login("alice") };
    let again = block_on(client::sign_in(alice.device.clone(), form)).unwrap();
    block_on(again.flush()).unwrap();
    block_on(again.sync()).unwrap();
    let texts = again.thread(talk).unwrap().messages.len();
    assert_eq!(texts, 2);
}

#[test]
fn a_token_is_good_once_and_for_an_hour() {
    let world = World::new(7);
    let alice = Person::signs_up(&world, "alice", 1);
    let refused = |token: &ResetToken| check(&world, token).map(drop).unwrap_err().to_string();
    let token = token_from_mail(&world, "alice");
    let newer = token_from_mail(&world, "alice");
    let gone = "This link is not valid any more: ask for a new one";
    assert_eq!(refused(&token), gone, "a newer one kills it");
    world.pass_time(HOUR_MS - 1);
    let reset = check(&world, &newer).unwrap();
    world.pass_time(1);
    assert_eq!(refused(&newer), "Reset token has expired");
    let key = reset.open_with_recovery_key(&alice.recovery_key).unwrap();
    let late = redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(key.clone())).err();
    assert_eq!(late, Some(ResetError::Token("Reset token has expired".into())));

    let token = token_from_mail(&world, "alice");
    let reset = check(&world, &token).unwrap();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(key.clone())).unwrap();
    let twice = redeem(&reset, NEWER_PASSWORD, KeysAfterReset::Keep(key)).err();
    assert_eq!(twice, Some(ResetError::Token(gone.into())));
    assert!(Person::tries_to_sign_in(&world, "alice", NEW_PASSWORD, None, 3).is_ok());
}

#[test]
fn a_weak_password_and_a_mistyped_key_are_found_before_anything_is_sent() {
    let world = World::new(8);
    let alice = Person::signs_up(&world, "alice", 1);
    let bob = Person::signs_up(&world, "bob", 2);
    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    let typo = alice.recovery_key.replacen(&alice.recovery_key[..1], "U", 1);
    assert_eq!(reset.open_with_recovery_key(&typo).err(), Some(RecoveryKeyTypo::Character(1).into()));
    assert_eq!(reset.open_with_recovery_key(&bob.recovery_key).err(), Some(RecoveryKeyRefused::OfAnother));
    let weak = redeem(&reset, "alice123", KeysAfterReset::Lose).err();
    assert!(matches!(weak, Some(ResetError::Password(_))), "{weak:?}");
    let foreign = bob.account.account_key().clone();
    assert!(matches!(redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(foreign)), Err(ResetError::Vault(_))));
    block_on(alice.account.sync()).expect("nothing has changed");
}

#[test]
fn a_mail_alone_cannot_put_a_worthless_wrap_in_the_place_of_a_good_one() {
    let world = World::new(9);
    let alice = Person::signs_up(&world, "alice", 1);
    let token = token_from_mail(&world, "alice");
    let device = fresh_device(&world, 80);
    let reset = block_on(Reset::check(device.clone(), token)).unwrap();
    let key = reset.open_with_recovery_key(&alice.recovery_key).unwrap();
    // What the device sends is seen on its way, and does not arrive.
    let seen = Arc::new(Mutex::new(Value::Null));
    let sees = seen.clone();
    device.set_hostility(move |_, request, answer| {
        *sees.lock().unwrap() = request.clone();
        answer
    });
    device.refuse_next(RedeemReset::PATH, Code::Busy);
    assert!(redeem(&reset, NEW_PASSWORD, KeysAfterReset::Keep(key.clone())).is_err());
    let honest = seen.lock().unwrap().clone();

    let forged_wrap = crypto::account_key::AccountKey::from_bytes(&[9; 32]).wrap_with_password(
        reset.account(),
        &crypto::kdf::StretchedPassword::from_bytes(&[8; 32]).wrap_key(),
        &serde_json::from_value(honest["kdf"].clone()).unwrap(),
        &mut client::device::DeviceRng(&*device),
    );
    let other_kdf = crypto::kdf::KdfParams::with_salt([7; 16]);
    let other_auth = crypto::kdf::StretchedPassword::from_bytes(&[8; 32]).auth_key();
    for (field, forged) in [
        ("wrapped_by_password", json!(forged_wrap)),
        ("kdf", json!(other_kdf)),
        ("auth_key", json!(other_auth)),
    ] {
        let mut request = honest.clone();
        request[field] = forged;
        let refusal = serve(&world, &request).unwrap_err();
        assert_eq!(refusal.code, Code::InvalidKeys, "{field}");
    }
    serve(&world, &honest).unwrap();
    assert!(Person::tries_to_sign_in(&world, "alice", NEW_PASSWORD, None, 3).is_ok());
}

fn serve(world: &World, request: &Value) -> Result<Value, Refusal> {
    block_on(world.serve(RedeemReset::PATH, request.to_string().as_bytes(), &mut None))
}

#[test]
fn a_lying_server_cannot_make_a_device_reset_to_foreign_keys() {
    let world = World::new(10);
    let alice = Person::signs_up(&world, "alice", 1);
    let mallory = Person::signs_up(&world, "mallory", 2);
    let foreign = token_from_mail(&world, "mallory");
    let foreign = block_on(world.serve(
        CheckReset::PATH,
        &serde_json::to_vec(&CheckReset { token: foreign }).unwrap(),
        &mut None,
    ))
    .unwrap();
    let token = token_from_mail(&world, "alice");
    for field in ["wrapped_by_recovery_key", "identity_row"] {
        let device = fresh_device(&world, 81);
        let foreign = foreign.clone();
        device.set_hostility(move |path, _, answer| {
            let mut answer = answer?;
            if path == CheckReset::PATH {
                answer[field] = foreign[field].clone();
            }
            Ok(answer)
        });
        let reset = block_on(Reset::check(device, token.clone())).unwrap();
        let opened = reset.open_with_recovery_key(&alice.recovery_key);
        assert_eq!(opened.err(), Some(RecoveryKeyRefused::OfAnother), "{field}");
    }
    drop(mallory);
}

#[test]
fn a_vault_that_was_put_away_is_taken_over_as_a_whole_or_not_at_all() {
    let world = World::new(11);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).unwrap();
    let again = signs_in(&world, "alice", NEW_PASSWORD, 4);
    again.syncs();
    let vault = sealed_vaults(&again).remove(0);
    again.device.set_hostility(|path, _, answer| {
        let mut answer = answer?;
        if path == FetchSealedVault::PATH {
            let rows = answer["rows"].as_array_mut().unwrap();
            let first = rows[0]["sealed"].clone();
            rows[1]["sealed"] = first;
        }
        Ok(answer)
    });
    let opened = block_on(again.account.open_sealed_vault(&vault, &by_password(PASSWORD)));
    assert_eq!(opened, Err(SealedVaultError::Damaged));
    assert_eq!(again.account.locked_messages(), 1);
    again.device.set_hostility(|_, _, answer| answer);
    assert_eq!(block_on(again.account.open_sealed_vault(&vault, &by_password(PASSWORD))), Ok(1));
}

#[test]
fn a_reset_never_passes_by_the_second_factor() {
    let world = World::new(12);
    let alice = Person::signs_up(&world, "alice", 1);
    let confirmation = client::Confirmation { password: PASSWORD.to_owned().into(), code: None };
    let begun = block_on(alice.account.begin_totp(&confirmation)).unwrap();
    let totp = totp_rs::Builder::new()
        .with_account_name("alice")
        .with_secret(totp_rs::Secret::try_from_base32(&begun.secret).unwrap())
        .build()
        .unwrap();
    let code = totp.generate(world.now_ms() / 1_000).to_string().parse().unwrap();
    let codes = block_on(alice.account.enable_totp(code)).unwrap().codes;

    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    assert!(reset.second_factor());
    let key = reset.open_with_recovery_key(&alice.recovery_key).unwrap();
    let keep = || KeysAfterReset::Keep(key.clone());
    assert_eq!(redeem(&reset, NEW_PASSWORD, keep()).err(), Some(ResetError::SecondFactorRequired));
    assert_eq!(
        redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).err(),
        Some(ResetError::SecondFactorRequired)
    );
    let wrong = block_on(reset.redeem(NEW_PASSWORD, Some("000000".parse().unwrap()), keep()));
    assert_eq!(wrong.err(), Some(ResetError::WrongCode));
    let recovery_code = protocol::second_factor::SecondFactorCode::Recovery(codes[0].clone());
    block_on(reset.redeem(NEW_PASSWORD, Some(recovery_code), keep())).unwrap();
}

#[test]
fn an_unknown_address_gets_the_same_answer_and_no_mail_and_an_account_three_an_hour() {
    let world = World::new(13);
    let alice = Person::signs_up(&world, "alice", 1);
    let device = fresh_device(&world, 79);
    let ask = |address: &str| block_on(forgot_password(&*device, address.parse().unwrap()));
    assert_eq!(ask("nobody@example.org"), Ok(()));
    assert_eq!(world.post().len(), 0);
    let mut mails = 0;
    for _ in 0..6 {
        assert_eq!(ask("Alice@Example.ORG"), Ok(()), "the answer does not tell");
        mails += world.post().len();
        world.pass_time(HOUR_MS / 6 - 1);
    }
    assert!((1..=3).contains(&mails), "{mails}");
    drop(alice);
}

/// One-time prekeys, batches and epochs of the life before are taken over, as prekeys were.
#[test]
fn what_came_by_one_time_prekeys_before_a_reset_opens_again_too() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    for person in [&alice, &bob] {
        person.maintains();
    }
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "archived");
    bob.syncs();
    alice.says(talk, "unopened");
    // A prekey that was made, and never published: the reset goes on counting where the published one stood.
    world.pass_time(6 * 24 * HOUR_MS);
    for person in [&alice, &bob] {
        person.syncs();
    }
    world.pass_time(2 * 24 * HOUR_MS);
    bob.device.refuse_next(PublishPrekeys::PATH, Code::StoreUnavailable);
    assert!(block_on(bob.account.maintain()).is_err());

    let token = token_from_mail(&world, "bob");
    let reset = check(&world, &token).unwrap();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).unwrap();
    let again = signs_in(&world, "bob", NEW_PASSWORD, 44);
    again.syncs();
    again.maintains();
    assert_eq!(again.sees(talk), Vec::<String>::new());
    let vault = sealed_vaults(&again).remove(0);
    block_on(again.account.open_sealed_vault(&vault, &by_password(PASSWORD))).unwrap();
    assert_eq!(again.sees(talk), ["alice: archived", "alice: unopened"]);
    let fresh = Person::tries_to_sign_in(&world, "bob", NEW_PASSWORD, None, 45).unwrap();
    fresh.syncs();
    assert_eq!(fresh.sees(talk), ["alice: archived", "alice: unopened"]);

    // Numbers of prekeys begin anew under the new key: they were not used before.
    block_on(alice.account.look_at_keys(talk)).unwrap();
    let account = again.account.me().account;
    let number = alice.account.safety_number(account).unwrap();
    block_on(alice.account.accept_key(account, number)).unwrap();
    for number in 0..3 {
        alice.says(talk, &format!("welcome back {number}"));
    }
    again.syncs();
    assert_eq!(again.sees(talk).last().unwrap(), "alice: welcome back 2");
}

/// Who has the keys that a reset left behind, and the server, writes as their owner no more once the new key was accepted.
#[test]
fn a_key_from_before_a_reset_signs_nothing_new() {
    let world = World::new(9);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    bob.syncs();
    // Sealed by a device of the account of before, and kept back.
    let envelope = caught(&alice, talk, "never said by Alice");

    let reset = check(&world, &token_from_mail(&world, "alice")).unwrap();
    redeem(&reset, NEW_PASSWORD, KeysAfterReset::Lose).unwrap();
    let account = alice.account.me().account;
    block_on(bob.account.look_at_keys(talk)).unwrap();
    let number = bob.account.safety_number(account).unwrap();
    block_on(bob.account.accept_key(account, number)).unwrap();
    for reader in [&bob, &Person::signs_in(&world, "bob", 12)] {
        delivers(reader, 2, &envelope);
        assert_eq!(reader.syncs().dropped, 1);
        assert_eq!(reader.sees(talk), ["alice: before"]);
    }
}

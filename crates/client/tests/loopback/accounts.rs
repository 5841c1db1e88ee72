//! Stories of accounts: how they are protected, and what their owners change.

use client::{
    Confirmation, Interruption, RecoveryKeyRefused, SettingsError, SignInError, confirm_email, policy, unlock,
};
use crypto::{export, recovery::RecoveryKeyTypo};
use futures::executor::block_on;
use protocol::{
    policy::{Registration, ServerPolicy},
    second_factor::{SecondFactorCode, TotpBegun},
};
use relay::mail::{Event, Letter};
use totp_rs::{Builder, Secret};

use crate::{
    people::{PASSWORD, Person},
    world::World,
};

const NEW_PASSWORD: &str = "Der neue Wald hat 9 Wege!";
const STEP_MS: u64 = 30_000;

fn confirmed(code: Option<SecondFactorCode>) -> Confirmation {
    Confirmation { password: PASSWORD.to_owned().into(), code }
}

/// What an authenticator that holds this secret shows now.
fn shown_by_authenticator(begun: &TotpBegun, world: &World) -> String {
    let secret = Secret::try_from_base32(&begun.secret).unwrap();
    let totp = Builder::new().with_account_name("alice").with_secret(secret).build().unwrap();
    totp.generate(world.now_ms() / 1_000).to_string()
}

/// Switches the second factor on; the recovery codes.
fn turn_on(alice: &Person, world: &World) -> (TotpBegun, Vec<SecondFactorCode>) {
    let begun = block_on(alice.account.begin_totp(&confirmed(None))).unwrap();
    let code = shown_by_authenticator(&begun, world).parse().unwrap();
    let codes = block_on(alice.account.enable_totp(code)).unwrap().codes;
    (begun, codes.into_iter().map(SecondFactorCode::Recovery).collect())
}

#[test]
fn a_new_password_takes_the_place_of_the_old_one_and_loses_nothing() {
    let world = World::new(1);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "before");
    let elsewhere = Person::signs_in(&world, "alice", 2);
    alice.writes(talk, "waiting");

    block_on(alice.account.change_password(&confirmed(None), NEW_PASSWORD)).unwrap();
    assert_eq!(
        block_on(elsewhere.account.sync()).unwrap_err().to_string(),
        Interruption::SessionEnded.to_string()
    );
    block_on(alice.account.flush()).unwrap();
    assert_eq!(
        Person::tries_to_sign_in(&world, "alice", PASSWORD, None, 3).err(),
        Some(SignInError::WrongCredentials)
    );
    let again = Person::tries_to_sign_in(&world, "alice", NEW_PASSWORD, None, 4).unwrap();
    again.syncs();
    assert_eq!(again.sees(talk), ["alice: before", "alice: waiting"]);
    let events = world.post().into_iter().filter_map(|(_, letter)| match letter {
        Letter::Notice { event, .. } => Some(event),
        _ => None,
    });
    assert!(events.into_iter().any(|event| event == Event::PasswordChanged));
}

#[test]
fn nothing_changes_without_the_password() {
    let world = World::new(2);
    let alice = Person::signs_up(&world, "alice", 1);
    let wrong = Confirmation { password: "wrong password 1!".to_owned().into(), code: None };
    let account = &alice.account;
    let new_key = account.draw_recovery_key();
    assert_eq!(
        [
            block_on(account.change_password(&wrong, NEW_PASSWORD)),
            block_on(account.change_email(&wrong, None)),
            block_on(account.begin_totp(&wrong)).map(drop),
            block_on(account.change_recovery_key(&wrong, &new_key)),
        ],
        [const { Err(SettingsError::WrongPassword) }; 4]
    );
    // Five mistakes are free: the sixth waits.
    assert_eq!(block_on(account.delete_account(&wrong)), Err(SettingsError::WrongPassword));
    let slowed = block_on(account.delete_account(&confirmed(None))).unwrap_err();
    assert!(slowed.to_string().contains("try again in 1 second"), "{slowed}");
    world.pass_time(1_000);
    let weak = block_on(account.change_password(&confirmed(None), "short")).unwrap_err();
    assert_eq!(weak.to_string(), "Password must be at least 8 characters long");
    block_on(account.test_recovery_key(&alice.recovery_key)).expect("the old key still counts");
    assert!(block_on(account.profile()).unwrap().email.is_some());
}

#[test]
fn a_code_is_asked_for_once_the_second_factor_is_on() {
    let world = World::new(3);
    let alice = Person::signs_up(&world, "alice", 1);
    let (begun, recovery_codes) = turn_on(&alice, &world);
    let profile = block_on(alice.account.profile()).unwrap();
    assert_eq!((profile.second_factor_since_ms, profile.recovery_codes_left), (Some(world.now_ms()), 10));

    let sign_in = |code: Option<SecondFactorCode>| {
        Person::tries_to_sign_in(&world, "alice", PASSWORD, code, 7).map(drop)
    };
    assert_eq!(sign_in(None), Err(SignInError::SecondFactorRequired));
    let used: SecondFactorCode = shown_by_authenticator(&begun, &world).parse().unwrap();
    assert_eq!(sign_in(Some(used)), Err(SignInError::WrongCode), "the step was used at the setting up");
    world.pass_time(STEP_MS);
    let next: SecondFactorCode = shown_by_authenticator(&begun, &world).parse().unwrap();
    assert_eq!(sign_in(Some(next.clone())), Ok(()));
    assert_eq!(sign_in(Some(next)), Err(SignInError::WrongCode), "once");
    assert_eq!(sign_in(Some(recovery_codes[0].clone())), Ok(()));
    assert_eq!(sign_in(Some(recovery_codes[0].clone())), Err(SignInError::WrongCode), "once");

    let account = &alice.account;
    assert_eq!(block_on(account.disable_totp(&confirmed(None))), Err(SettingsError::SecondFactorRequired));
    let renewed =
        block_on(account.renew_recovery_codes(&confirmed(Some(recovery_codes[1].clone())))).unwrap();
    assert_eq!(sign_in(Some(recovery_codes[2].clone())), Err(SignInError::WrongCode), "replaced");
    let code = SecondFactorCode::Recovery(renewed.codes[0].clone());
    block_on(account.disable_totp(&confirmed(Some(code)))).unwrap();
    assert_eq!(sign_in(None), Ok(()));
}

#[test]
fn a_locked_page_opens_with_the_password_and_without_a_new_session() {
    let world = World::new(4);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "Hello");
    turn_on(&alice, &world);
    let device = alice.device.clone();
    let name = alice.account.me().username.clone();
    drop(alice.account);
    let wrong = unlock(device.clone(), name.clone(), "wrong password 1!".to_owned().into());
    assert_eq!(block_on(wrong).err(), Some(SignInError::WrongCredentials));
    let opened = block_on(unlock(device.clone(), name, PASSWORD.to_owned().into())).unwrap();
    block_on(opened.load()).unwrap();
    assert_eq!(opened.thread(talk).unwrap().messages.len(), 1);
    assert_eq!(block_on(opened.sessions()).unwrap().len(), 1);
    let other = unlock(device, "bob".parse().unwrap(), PASSWORD.to_owned().into());
    assert_eq!(block_on(other).err(), Some(Interruption::SessionEnded.into()), "another's session");
}

#[test]
fn a_new_address_counts_once_its_mail_was_read_and_the_old_one_hears_of_it() {
    let world = World::new(5);
    let alice = Person::signs_up(&world, "alice", 1);
    let new = "alice@example.net";
    block_on(alice.account.change_email(&confirmed(None), Some(new.parse().unwrap()))).unwrap();
    let profile = block_on(alice.account.profile()).unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "alice@example.org");
    assert_eq!(profile.pending_email.unwrap().as_str(), new);

    let (to, Letter::ConfirmEmail { token, .. }) = world.post().remove(0) else { panic!() };
    assert_eq!(to, new);
    let confirmed_email = block_on(confirm_email(&*alice.device, token.clone())).unwrap();
    assert_eq!(confirmed_email.email.as_str(), new);
    assert!(matches!(block_on(confirm_email(&*alice.device, token)), Err(Interruption::Refused(_))), "once");
    let (to, Letter::Notice { event: Event::EmailChanged, .. }) = world.post().remove(0) else { panic!() };
    assert_eq!(to, "alice@example.org");

    block_on(alice.account.change_email(&confirmed(None), None)).unwrap();
    assert_eq!(block_on(alice.account.profile()).unwrap().email, None);
    let open = ServerPolicy { registration: Registration::Open, mail: true };
    assert_eq!(block_on(policy(&*alice.device)).unwrap(), open);
}

#[test]
fn a_recovery_key_is_tested_and_replaced_on_the_device() {
    let world = World::new(6);
    let alice = Person::signs_up(&world, "alice", 1);
    let bob = Person::signs_up(&world, "bob", 2);
    let test = |typed: &str| block_on(alice.account.test_recovery_key(typed));
    assert_eq!(test(&alice.recovery_key.to_lowercase()), Ok(()));
    assert_eq!(test(&bob.recovery_key), Err(RecoveryKeyRefused::OfAnother));
    let calls = alice.device.calls_to("/fn/account/recovery-wrap");
    assert_eq!(test("K7QD"), Err(RecoveryKeyTypo::Length(4).into()));
    assert_eq!(alice.device.calls_to("/fn/account/recovery-wrap"), calls, "nothing was sent");

    let new = alice.account.draw_recovery_key();
    assert_eq!(test(&alice.recovery_key), Ok(()), "a key that was only drawn changes nothing");
    block_on(alice.account.change_recovery_key(&confirmed(None), &new)).unwrap();
    assert_eq!(test(&new.key().to_text()), Ok(()));
    assert_eq!(test(&alice.recovery_key), Err(RecoveryKeyRefused::OfAnother));
}

#[test]
fn a_new_sign_in_is_told_until_its_owner_has_seen_it() {
    let world = World::new(7);
    let alice = Person::signs_up(&world, "alice", 1);
    let new = |person: &Person| block_on(person.account.new_sessions()).unwrap();
    assert_eq!(new(&alice), [], "a device that looks for the first time takes what is there for known");
    let elsewhere = Person::signs_in(&world, "alice", 2);
    assert_eq!(new(&elsewhere), []);
    let told = new(&alice);
    assert_eq!(told.len(), 1);
    assert_eq!(new(&alice), told, "until it was seen");
    block_on(alice.account.acknowledge_sessions(&told)).unwrap();
    assert_eq!(new(&alice), []);

    block_on(alice.account.end_session(told[0].session)).unwrap();
    assert!(block_on(elsewhere.account.sync()).is_err());
    assert!(block_on(alice.account.end_session(told[0].session)).is_err(), "it has ended");
    Person::signs_in(&world, "alice", 3);
    assert_eq!(block_on(alice.account.end_other_sessions()).unwrap(), 1);
    assert_eq!(block_on(alice.account.sessions()).unwrap().len(), 1);
}

#[test]
fn of_a_deleted_account_others_keep_what_they_received_and_see_that_it_is_gone() {
    let world = World::new(8);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "Goodbye");
    bob.syncs();
    block_on(alice.account.delete_account(&confirmed(None))).unwrap();
    assert!(
        alice.storage.names().iter().all(|name| !name.starts_with(&bob.account.me().account.to_string()))
    );
    assert_eq!(alice.storage.names(), Vec::<String>::new(), "nothing is left on the device");
    assert_eq!(
        Person::tries_to_sign_in(&world, "alice", PASSWORD, None, 3).err(),
        Some(SignInError::WrongCredentials)
    );

    bob.writes(talk, "Are you there?");
    block_on(bob.account.flush()).unwrap();
    let thread = bob.account.thread(talk).unwrap();
    assert_eq!(thread.deleted.len(), 1);
    assert_eq!(thread.deleted[0].username.as_str(), "alice");
    assert_eq!(bob.sees(talk), ["alice: Goodbye", "bob: Are you there?"]);
    let states = format!("{:?}", bob.states(talk));
    assert!(states.contains("alice deleted their account"), "{states}");

    let reloaded = bob.opens_a_tab(&world, 4);
    block_on(reloaded.account.load()).unwrap();
    assert_eq!(reloaded.account.thread(talk).unwrap().deleted.len(), 1, "also after a reload");
}

#[test]
fn a_look_at_a_conversation_finds_that_an_account_is_gone() {
    let world = World::new(9);
    let [alice, bob] = Person::couple(&world);
    let talk = bob.opens(&[&alice]);
    bob.says(talk, "Hello");
    block_on(bob.account.look_at_keys(talk)).unwrap();
    assert!(bob.account.thread(talk).unwrap().deleted.is_empty());
    block_on(alice.account.delete_account(&confirmed(None))).unwrap();
    block_on(bob.account.look_at_keys(talk)).unwrap();
    assert_eq!(bob.account.thread(talk).unwrap().deleted.len(), 1);
}

#[test]
fn a_server_that_said_deleted_for_a_while_is_believed_no_longer_than_that() {
    let world = World::new(11);
    let [alice, bob] = Person::couple(&world);
    let talk = bob.opens(&[&alice]);
    bob.says(talk, "Hello");
    let alices = serde_json::to_value(alice.account.me().account).unwrap();
    bob.device.set_hostility(move |path, _, answer| {
        let mut answer = answer?;
        if path == "/fn/directory/keys" {
            answer["bundles"].as_array_mut().unwrap().retain(|bundle| bundle["account"] != alices);
            answer["deleted"] = serde_json::json!([alices]);
        }
        Ok(answer)
    });
    block_on(bob.account.look_at_keys(talk)).unwrap();
    assert_eq!(bob.account.thread(talk).unwrap().deleted.len(), 1);
    bob.device.set_hostility(|_, _, answer| answer);
    block_on(bob.account.look_at_keys(talk)).unwrap();
    assert!(bob.account.thread(talk).unwrap().deleted.is_empty());
    bob.says(talk, "Still there?");
    alice.syncs();
    assert_eq!(alice.sees(talk), ["bob: Hello", "bob: Still there?"]);
}

#[test]
fn an_export_holds_everything_and_the_sealed_one_nothing_readable() {
    let world = World::new(10);
    let [alice, bob] = Person::couple(&world);
    let talk = alice.opens(&[&bob]);
    alice.says(talk, "Hello <Bob>");
    bob.syncs();
    bob.says(talk, "Hello Alice");
    let exported = block_on(alice.account.export()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&exported.to_json()).unwrap();
    let texts: Vec<_> =
        json["conversations"][0]["messages"].as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, ["Hello <Bob>", "Hello Alice"]);
    assert_eq!(json["contacts"][0]["username"], "bob");
    assert!(json["contacts"][0]["safety_number"].as_str().unwrap().len() >= 60);
    assert!(exported.to_html(|_| "today".into()).contains("Hello &lt;Bob&gt;"));

    assert!(block_on(alice.account.seal_export(&exported, "weak")).is_err());
    let file = block_on(alice.account.seal_export(&exported, NEW_PASSWORD)).unwrap();
    assert!(!file.windows(5).any(|window| window == b"Hello"));
    let kdf = export::kdf_of(&file).unwrap();
    let stretched = block_on(client::Device::stretch(&*alice.device, &kdf, NEW_PASSWORD));
    assert_eq!(export::open(&file, &stretched).unwrap().as_slice(), exported.to_json().as_bytes());
}

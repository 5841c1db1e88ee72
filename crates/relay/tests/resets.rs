//! Passwords are reset by a token: once, in time, and never around the second factor.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod stage;

use crypto::reset_proof::ResetProof;
use std::sync::Arc;

use protocol::{
    Code,
    profile::{ChangePassword, FetchProfile},
    reset::{CheckReset, ForgotPassword, ResetKeys},
    second_factor::SecondFactorCode,
    vault::{DropSealedVault, FetchRows, FetchSealedVault},
};
use relay::{mail::Letter, reset::RESET_TOKEN_MS};
use stage::{DAY_MS, HOME, HOUR_MS, MINUTE_MS, Member, NOW_MS, Person, Stage};

fn forgot(member: &Member) -> ForgotPassword {
    ForgotPassword { email: member.person.email.as_ref().unwrap().parse().unwrap() }
}

#[tokio::test]
async fn a_token_is_good_for_an_hour_to_the_millisecond() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    stage.relay.forgot_password(forgot(&alice), HOME).await.unwrap();
    let token = stage.mailed_reset().await;
    let check = async || stage.relay.check_reset(CheckReset { token: token.clone() }, HOME).await;
    stage.set_clock(NOW_MS + RESET_TOKEN_MS - 1);
    let checked = check().await.unwrap();
    assert_eq!((checked.account, checked.second_factor), (alice.person.account, false));
    stage.set_clock(NOW_MS + RESET_TOKEN_MS);
    let refusal = check().await.unwrap_err();
    assert_eq!((refusal.code, refusal.message.as_ref()), (Code::TokenExpired, "Reset token has expired"));
    let redeem = alice.person.keep_keys(&token, &Person::new("new"));
    assert_eq!(stage.relay.redeem_reset(redeem, HOME).await.unwrap_err().code, Code::TokenExpired);
    stage.relay.login(alice.person.login(), HOME).await.expect("the password is the old one");
}

#[tokio::test]
async fn a_clock_that_steps_makes_tokens_old_and_never_young() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    stage.relay.forgot_password(forgot(&alice), HOME).await.unwrap();
    let token = stage.mailed_reset().await;
    for (now_ms, is_good) in [
        (NOW_MS + HOUR_MS, false),
        (NOW_MS - HOUR_MS, false),
        (NOW_MS + 365 * DAY_MS, false),
        (NOW_MS - 365 * DAY_MS, false),
        (NOW_MS - HOUR_MS + 1, true),
        (NOW_MS, true),
    ] {
        stage.set_clock(now_ms);
        let checked = stage.relay.check_reset(CheckReset { token: token.clone() }, HOME).await;
        assert_eq!(checked.is_ok(), is_good, "{}", now_ms.abs_diff(NOW_MS));
    }
}

#[tokio::test]
async fn a_newer_token_kills_the_older() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let older = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    let newer = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    stage.relay.forgot_password(forgot(&alice), HOME).await.unwrap();
    let mailed = stage.mailed_reset().await;
    for dead in [older, newer] {
        let refusal = stage.relay.check_reset(CheckReset { token: dead }, HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::InvalidToken);
    }
    stage.relay.check_reset(CheckReset { token: mailed }, HOME).await.unwrap();
}

#[tokio::test]
async fn a_password_that_was_changed_kills_the_token_and_the_other_sessions() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let (other, _) = stage.login(&alice.person).await;
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    let new = Person::new("new");
    let wrapped = alice.person.keep_keys(&token, &new).wrapped_by_password;
    let change = ChangePassword {
        proof: alice.person.proof(),
        kdf: new.kdf,
        auth_key: new.stretched.auth_key(),
        wrapped_by_password: wrapped,
    };
    stage.relay.change_password(&alice.caller, change).await.unwrap();
    assert!(stage.is_signed_in(&alice.token).await && !stage.is_signed_in(&other).await);
    let refusal = stage.relay.check_reset(CheckReset { token }, HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::InvalidToken);
    let old = stage.relay.login(alice.person.login(), HOME).await.unwrap_err();
    assert_eq!(old.code, Code::WrongCredentials);
    stage.relay.login(alice.person.login_with(new.stretched.auth_key()), HOME).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_who_redeem_at_once_are_one() {
    let stage = Arc::new(Stage::new());
    let alice = Arc::new(stage.join("alice").await);
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    // The machine itself is not counted: fifty tries from one network would be slowed down.
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let redeem = alice.person.keep_keys(&token, &Person::new("new"));
            let relay = stage.relay.clone();
            tokio::spawn(async move { relay.redeem_reset(redeem, relay::Network::Local).await })
        })
        .collect();
    let mut redeemed = 0;
    for tried in tries {
        match tried.await.unwrap() {
            Ok(_) => redeemed += 1,
            Err(refusal) => assert_eq!(refusal.code, Code::InvalidToken),
        }
    }
    assert_eq!(redeemed, 1);
    assert!(!stage.is_signed_in(&alice.token).await, "every session ends");
}

#[tokio::test]
async fn keys_are_kept_by_who_holds_them_and_by_nobody_else() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    let new = Person::new("new");
    let mut thief = Person::new("thief");
    thief.account = alice.person.account;
    let forged = thief.keep_keys(&token, &new);
    assert_eq!(stage.relay.redeem_reset(forged, HOME).await.unwrap_err().code, Code::InvalidKeys);
    let mut swapped = alice.person.keep_keys(&token, &new);
    swapped.wrapped_by_password = thief.keep_keys(&token, &new).wrapped_by_password;
    assert_eq!(stage.relay.redeem_reset(swapped, HOME).await.unwrap_err().code, Code::InvalidKeys);

    stage.relay.redeem_reset(alice.person.keep_keys(&token, &new), HOME).await.unwrap();
    let (signed_in, token) =
        stage.relay.login(alice.person.login_with(new.stretched.auth_key()), HOME).await.unwrap();
    let caller = stage.relay.authenticate(token.expose(), HOME).await.unwrap();
    assert_eq!(signed_in.account, alice.person.account);
    assert_eq!(stage.relay.fetch_rows(&caller, FetchRows {}).await.unwrap().rows.len(), 2, "the vault stays");
    let profile = stage.relay.fetch_profile(&caller, FetchProfile {}).await.unwrap();
    assert!(profile.sealed_vaults.is_empty());
}

#[tokio::test]
async fn new_keys_put_the_vault_away_and_the_old_password_opens_it() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    let mut new = Person::new("new");
    let redeem = alice.person.replace_keys(&token, &mut new);
    let mut same = redeem.clone();
    let ResetKeys::Replace(keys) = &mut same.keys else { panic!("they are replaced") };
    keys.identity = alice.person.identity.public();
    assert_eq!(stage.relay.redeem_reset(same, HOME).await.unwrap_err().code, Code::InvalidKeys);
    stage.relay.redeem_reset(redeem, HOME).await.unwrap();

    let (_, caller) = stage.login(&new).await;
    let profile = stage.relay.fetch_profile(&caller, FetchProfile {}).await.unwrap();
    let [sealed] = &profile.sealed_vaults[..] else { panic!("one vault was put away") };
    assert_eq!((sealed.number, sealed.kdf), (1, alice.person.kdf));
    let fetch = async |auth_key| {
        let request = FetchSealedVault { number: 1, auth_key };
        stage.relay.fetch_sealed_vault(&caller, request).await
    };
    let by_recovery_key = fetch(None).await.unwrap();
    assert!(by_recovery_key.wrapped_by_password.is_none() && by_recovery_key.rows.len() == 2);
    let of_today = fetch(Some(new.stretched.auth_key())).await.unwrap_err();
    assert_eq!(of_today.code, Code::WrongCredentials);
    let by_password = fetch(Some(alice.person.stretched.auth_key())).await.unwrap();
    let key = crypto::account_key::AccountKey::unwrap_with_password(
        alice.person.account,
        &alice.person.stretched.wrap_key(),
        &alice.person.kdf,
        &by_password.wrapped_by_password.unwrap(),
    );
    assert_eq!(key.unwrap(), alice.person.account_key);
    let drop_by = async |identity| {
        let proof = ResetProof::of_opened_vault(alice.person.account, 1, identity);
        stage.relay.drop_sealed_vault(&caller, DropSealedVault { number: 1, proof }).await
    };
    let of_today = drop_by(&new.identity).await.unwrap_err();
    assert_eq!(of_today.code, Code::InvalidKeys, "a password that was set by a mail destroys nothing");
    drop_by(&alice.person.identity).await.unwrap();
    assert_eq!(fetch(None).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn an_account_is_mailed_three_times_an_hour_and_unknown_addresses_never() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let mailed = async |minute: u64, address: &str| {
        stage.set_clock(NOW_MS + minute * MINUTE_MS);
        let request = ForgotPassword { email: address.parse().unwrap() };
        // Each from another network: that has a limit of its own.
        let network = relay::Network::V4([10, minute as u8, 0]);
        let answer = stage.relay.forgot_password(request, network).await.unwrap();
        assert_eq!(answer, protocol::reset::MailRequested {}, "the answer says nothing");
        stage.take_mails().await.len()
    };
    let address = alice.person.email.as_ref().unwrap();
    let mut sent = 0;
    for minute in 0..60 {
        sent += mailed(minute, address).await;
    }
    assert!((2..=3).contains(&sent), "{sent}");
    assert_eq!(mailed(200, "nobody@example.org").await, 0);
    assert_eq!(mailed(201, &address.to_uppercase()).await, 1, "in any case of letters");
}

#[tokio::test]
async fn one_network_asks_for_ten_mails_an_hour_at_most() {
    let stage = Stage::new();
    let ask = async |network| {
        let request = ForgotPassword { email: "nobody@example.org".parse().unwrap() };
        stage.relay.forgot_password(request, network).await
    };
    let mut refusal = None;
    let mut asked = 0;
    for minute in 0..60 {
        stage.set_clock(NOW_MS + minute * MINUTE_MS);
        match ask(HOME).await {
            Ok(_) => asked += 1,
            Err(refused) => refusal = Some(refused),
        }
    }
    let refusal = refusal.unwrap();
    assert!(asked <= 10, "{asked}");
    assert_eq!(refusal.code, Code::TooManyRequests);
    assert!(refusal.retry_after_s.is_some());
    ask(relay::Network::V4([198, 51, 100])).await.expect("another network is free");
    stage.mail.switch_off();
    assert_eq!(ask(relay::Network::Local).await.unwrap_err().code, Code::MailUnavailable);
}

#[tokio::test]
async fn an_address_of_several_accounts_gets_one_mail_with_a_token_each() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let mut second = Person::new("second");
    second.email.clone_from(&alice.person.email);
    stage.relay.register(second.registration(), HOME).await.unwrap();
    stage.relay.forgot_password(forgot(&alice), HOME).await.unwrap();
    let mails = stage.take_mails().await;
    let [mail] = &mails[..] else { panic!("one mail") };
    let Letter::ResetPassword { accounts } = &mail.letter else { panic!("{:?}", mail.letter) };
    let names: Vec<&str> = accounts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["alice", "second"]);
    for (name, token) in accounts {
        let checked = stage.relay.check_reset(CheckReset { token: token.clone() }, HOME).await.unwrap();
        assert_eq!(checked.username, *name);
    }
}

#[tokio::test]
async fn a_reset_never_goes_around_the_second_factor() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let authenticator = stage.set_up_totp(&alice).await;
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    let checked = stage.relay.check_reset(CheckReset { token: token.clone() }, HOME).await.unwrap();
    assert!(checked.second_factor);
    let new = Person::new("new");
    let redeem = async |code: Option<SecondFactorCode>| {
        let request = protocol::reset::RedeemReset { code, ..alice.person.keep_keys(&token, &new) };
        stage.relay.redeem_reset(request, HOME).await.map_err(|refusal| refusal.code)
    };
    assert_eq!(redeem(None).await.err(), Some(Code::SecondFactorRequired));
    assert_eq!(redeem(Some(authenticator.wrong(NOW_MS))).await.err(), Some(Code::WrongCode));
    stage.set_clock(NOW_MS + 60_000);
    redeem(Some(authenticator.code(NOW_MS + 60_000))).await.unwrap();
    assert_eq!(redeem(Some(authenticator.code(NOW_MS + 90_000))).await.err(), Some(Code::InvalidToken));
}

//! A code is asked for, and each is good once.

mod stage;

use std::sync::Arc;

use protocol::{
    Code,
    account::Login,
    profile::FetchProfile,
    second_factor::{
        BeginTotp, DisableTotp, EnableTotp, RECOVERY_CODES, RenewRecoveryCodes, SecondFactorCode,
    },
};
use relay::mail::{Event, Letter, OutgoingMail};
use stage::{DAY_MS, HOME, HOUR_MS, Member, NOW_MS, Stage};

fn with(member: &Member, code: SecondFactorCode) -> Login {
    Login { code: Some(code), ..member.person.login() }
}

#[tokio::test]
async fn nothing_is_asked_for_until_a_code_has_shown_that_the_authenticator_is_there() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let begun =
        stage.relay.begin_totp(&alice.caller, BeginTotp { proof: alice.person.proof() }).await.unwrap();
    stage.relay.login(alice.person.login(), HOME).await.expect("it is not on yet");
    let authenticator = stage::Authenticator::of(&begun);
    let SecondFactorCode::Totp(wrong) = authenticator.wrong(NOW_MS) else { panic!("six digits") };
    let refusal = stage.relay.enable_totp(&alice.caller, EnableTotp { code: wrong }).await.unwrap_err();
    assert_eq!((refusal.code, refusal.message.as_ref()), (Code::WrongCode, "Invalid TOTP token"));
    let SecondFactorCode::Totp(code) = authenticator.code(NOW_MS) else { panic!("six digits") };
    let codes = stage.relay.enable_totp(&alice.caller, EnableTotp { code }).await.unwrap().codes;
    assert_eq!(codes.len(), RECOVERY_CODES);
    let refusal = stage.relay.login(alice.person.login(), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::SecondFactorRequired);
    let refusal = stage.relay.login(with(&alice, authenticator.code(NOW_MS)), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongCode, "the code of the set-up is used up");
}

#[tokio::test]
async fn a_step_is_used_once_under_fifty_tries_at_once() {
    let stage = Arc::new(Stage::new());
    let alice = Arc::new(stage.join("alice").await);
    let authenticator = stage.set_up_totp(&alice).await;
    stage.set_clock(NOW_MS + HOUR_MS);
    let code = authenticator.code(NOW_MS + HOUR_MS);
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (relay, login) = (stage.relay.clone(), with(&alice, code.clone()));
            tokio::spawn(async move { relay.login(login, HOME).await })
        })
        .collect();
    let mut signed_in = 0;
    for tried in tries {
        signed_in += usize::from(tried.await.unwrap().is_ok());
    }
    assert_eq!(signed_in, 1);
}

#[tokio::test]
async fn a_code_of_another_time_opens_nothing() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let authenticator = stage.set_up_totp(&alice).await;
    let mut now_ms = NOW_MS + HOUR_MS;
    for step_ms in [HOUR_MS as i64, -(HOUR_MS as i64), 365 * DAY_MS as i64, -365 * DAY_MS as i64, 61_000] {
        now_ms += HOUR_MS;
        stage.set_clock(now_ms);
        let code = authenticator.code(now_ms.saturating_add_signed(step_ms));
        let refusal = stage.relay.login(with(&alice, code), HOME).await.unwrap_err();
        assert_eq!(refusal.code, Code::WrongCode, "{step_ms}");
    }
    now_ms += HOUR_MS;
    stage.set_clock(now_ms);
    stage.relay.login(with(&alice, authenticator.code(now_ms - 30_000)), HOME).await.unwrap();
    stage.relay.login(with(&alice, authenticator.code(now_ms)), HOME).await.expect("the next step");
}

#[tokio::test]
async fn wrong_codes_are_five_in_a_row_and_twenty_an_hour() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let authenticator = stage.set_up_totp(&alice).await;
    let start_ms = NOW_MS + HOUR_MS;
    let mut checked = 0;
    for second in 0..3_600 {
        let now_ms = start_ms + second * 1_000;
        stage.set_clock(now_ms);
        let refusal = stage.relay.login(with(&alice, authenticator.wrong(now_ms)), HOME).await.unwrap_err();
        match refusal.code {
            Code::WrongCode => checked += 1,
            Code::TooManyRequests => assert!(refusal.retry_after_s.is_some_and(|seconds| seconds > 0)),
            other => panic!("{other:?}"),
        }
        if second == 5 {
            assert_eq!(checked, 5, "five in a row");
        }
    }
    assert!((5..=20).contains(&checked), "{checked}");
    stage.set_clock(start_ms + 3_600_000 + 1);
    let refusal =
        stage.relay.login(with(&alice, authenticator.code(start_ms + 3_600_001)), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::TooManyRequests, "the right code waits too");
    stage.relay.login(stage.join("bob").await.person.login(), HOME).await.expect("nobody else waits");
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let authenticator = stage.set_up_totp(&alice).await;
    stage.take_mails().await;
    let code = SecondFactorCode::Recovery(authenticator.recovery[0].clone());
    stage.relay.login(with(&alice, code.clone()), HOME).await.unwrap();
    let told =
        |mail: &OutgoingMail| matches!(&mail.letter, Letter::Notice { event: Event::RecoveryCodeUsed, .. });
    assert!(stage.take_mails().await.iter().any(told), "its owner is told");
    let refusal = stage.relay.login(with(&alice, code), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongCode);
    let profile = stage.relay.fetch_profile(&alice.caller, FetchProfile {}).await.unwrap();
    assert_eq!(profile.recovery_codes_left as usize, RECOVERY_CODES - 1);

    stage.set_clock(NOW_MS + HOUR_MS);
    let mut proof = alice.person.proof();
    proof.code = Some(authenticator.code(NOW_MS + HOUR_MS));
    let renewed =
        stage.relay.renew_recovery_codes(&alice.caller, RenewRecoveryCodes { proof }).await.unwrap();
    let old = SecondFactorCode::Recovery(authenticator.recovery[1].clone());
    assert_eq!(stage.relay.login(with(&alice, old), HOME).await.unwrap_err().code, Code::WrongCode);
    let new = SecondFactorCode::Recovery(renewed.codes[0].clone());
    stage.relay.login(with(&alice, new), HOME).await.unwrap();
}

#[tokio::test]
async fn switching_it_off_takes_password_and_code_and_ends_the_other_sessions() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let (other, _) = stage.login(&alice.person).await;
    let authenticator = stage.set_up_totp(&alice).await;
    let now_ms = NOW_MS + HOUR_MS;
    stage.set_clock(now_ms);
    let disable = async |proof| stage.relay.disable_totp(&alice.caller, DisableTotp { proof }).await;
    let refusal = disable(alice.person.proof()).await.unwrap_err();
    assert_eq!(refusal.code, Code::SecondFactorRequired);
    let mut proof = alice.person.proof();
    proof.code = Some(authenticator.code(now_ms));
    disable(proof).await.unwrap();
    assert!(stage.is_signed_in(&alice.token).await && !stage.is_signed_in(&other).await);
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
    assert_eq!(disable(alice.person.proof()).await.unwrap_err().code, Code::SecondFactorConflict);
}

#[tokio::test]
async fn the_operator_helps_who_lost_everything() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    stage.set_up_totp(&alice).await;
    let name = "alice".parse().unwrap();
    assert!(stage.relay.remove_second_factor(&name).await.unwrap());
    assert!(!stage.relay.remove_second_factor(&name).await.unwrap());
    assert!(!stage.is_signed_in(&alice.token).await, "every session ends");
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
    assert!(stage.relay.remove_second_factor(&"nobody1".parse().unwrap()).await.is_err());
}

//! Sessions begin, are renewed, and end.

mod stage;

use protocol::{
    Code,
    account::{CurrentSession, Logout},
};
use stage::{DAY_MS, HOME, MINUTE_MS, NOW_MS, Stage};

#[tokio::test]
async fn a_session_ends_with_the_answer_to_logout() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let (_, other_token) = stage.relay.login(alice.person.login(), HOME).await.unwrap();

    stage.relay.logout(&alice.caller, Logout {}).await.unwrap();
    assert_eq!(
        stage.relay.authenticate(alice.token.expose(), HOME).await.unwrap_err().code,
        Code::NotSignedIn
    );
    let refusal = stage.relay.current_session(&alice.caller, CurrentSession {}).await.unwrap_err();
    assert_eq!(refusal.code, Code::NotSignedIn);
    stage.relay.authenticate(other_token.expose(), HOME).await.expect("the other session goes on");
    stage.relay.logout(&alice.caller, Logout {}).await.expect("ending it again is no error");
}

#[tokio::test]
async fn the_current_session_tells_what_a_reloaded_page_needs() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let current = stage.relay.current_session(&alice.caller, CurrentSession {}).await.unwrap();
    assert_eq!(current.unlock_half, alice.signed_in.unlock_half);
    assert_eq!((current.account, current.session), (alice.signed_in.account, alice.signed_in.session));
    assert_eq!(current.kdf, alice.person.kdf);
    assert_eq!(current.wrapped_by_password, None, "that takes the password");
}

#[tokio::test]
async fn a_token_is_renewed_once_it_is_a_quarter_of_an_hour_old() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    stage.set_clock(NOW_MS + 15 * MINUTE_MS - 1_000);
    assert!(stage.relay.authenticate(alice.token.expose(), HOME).await.unwrap().renewed().is_none());
    stage.set_clock(NOW_MS + 15 * MINUTE_MS);
    let caller = stage.relay.authenticate(alice.token.expose(), HOME).await.unwrap();
    let renewed = caller.renewed().unwrap();
    let again = stage.relay.authenticate(renewed.expose(), HOME).await.unwrap();
    assert_eq!(again.session(), alice.caller.session());
    assert!(again.renewed().is_none());
}

#[tokio::test]
async fn an_unused_session_is_over_after_a_week() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    stage.set_clock(NOW_MS + 7 * DAY_MS + 6_000);
    assert_eq!(
        stage.relay.authenticate(alice.token.expose(), HOME).await.unwrap_err().code,
        Code::NotSignedIn
    );
}

#[tokio::test]
async fn a_used_session_is_over_after_thirty_days() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let mut token = alice.token.clone();
    for day in 1..=30 {
        stage.set_clock(NOW_MS + day * DAY_MS);
        let caller = stage.relay.authenticate(token.expose(), HOME).await.unwrap();
        token = caller.renewed().unwrap().clone();
    }
    stage.set_clock(NOW_MS + 30 * DAY_MS + 1);
    assert_eq!(stage.relay.authenticate(token.expose(), HOME).await.unwrap_err().code, Code::NotSignedIn);
}

#[tokio::test]
async fn a_clock_that_steps_signs_nobody_out() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    for now_ms in [NOW_MS - 3 * DAY_MS, NOW_MS + 3 * DAY_MS, NOW_MS - DAY_MS, 0, NOW_MS] {
        stage.set_clock(now_ms);
        stage.relay.authenticate(alice.token.expose(), HOME).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_token_is_not_signed_in() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let token = alice.token.expose();
    for forged in ["", "x", "a.b.c", &token[1..], &token[..token.len() - 2], &format!("{token}x"), "ä.ö.ü"]
    {
        let refusal = stage.relay.authenticate(forged, HOME).await.unwrap_err();
        assert_eq!((refusal.code, refusal.code.status()), (Code::NotSignedIn, 401), "{forged}");
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let printed = format!("{:?} {:?} {:?}", stage.relay, alice.caller, alice.token);
    assert!(!printed.contains(alice.token.expose()));
    assert!(printed.contains("SessionToken(..)") && printed.contains("Relay(..)"));
}

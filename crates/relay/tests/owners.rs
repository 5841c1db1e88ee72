//! What the owner of an account sees and changes: sessions, address, invitations, the end.

mod stage;

use core::time::Duration;

use futures::{FutureExt, StreamExt};
use protocol::{
    Code,
    account::{Login, Register},
    directory::ListUsers,
    policy::{FetchPolicy, Registration},
    profile::{ChangeEmail, ConfirmEmail, DeleteAccount, FetchProfile, SetLoginMails},
    session::{EndOtherSessions, EndSession, ListSessions, Unlock},
};
use relay::{
    Policy,
    account::EMAIL_TOKEN_MS,
    mail::{Event, Letter},
    port::Notice,
};
use stage::{DAY_MS, HOME, HOUR_MS, NOW_MS, Person, Stage, test_policy, wrong_key};

#[tokio::test]
async fn a_session_that_is_ended_is_dead_at_once_and_the_others_hear_of_it() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let (token, other) = stage.login(&alice.person).await;
    let sessions = async || stage.relay.list_sessions(&alice.caller, ListSessions {}).await.unwrap().sessions;
    let current: Vec<bool> = sessions().await.iter().map(|session| session.current).collect();
    assert_eq!(current.iter().filter(|current| **current).count(), 1);
    let mut here = stage.relay.subscribe(&alice.caller).await.unwrap();
    let mut there = stage.relay.subscribe(&other).await.unwrap();
    assert!(matches!(here.next().await, Some(Notice::Grown(_))));
    assert!(matches!(there.next().await, Some(Notice::Grown(_))));

    let ended =
        stage.relay.end_session(&alice.caller, EndSession { session: other.session() }).await.unwrap();
    assert_eq!(ended.ended, 1);
    assert!(!stage.is_signed_in(&token).await);
    assert_eq!(there.next().now_or_never(), Some(None), "its stream is over");
    assert_eq!(here.next().now_or_never(), Some(Some(Notice::Sessions)));
    assert_eq!(sessions().await.len(), 1);
    let again = stage.relay.end_session(&alice.caller, EndSession { session: other.session() }).await;
    assert_eq!(again.unwrap_err().code, Code::NotFound);

    let bob = stage.join("bob").await;
    let foreign = stage.relay.end_session(&bob.caller, EndSession { session: alice.caller.session() }).await;
    assert_eq!(foreign.unwrap_err().code, Code::NotFound, "somebody else's");
    for _ in 0..3 {
        stage.login(&alice.person).await;
    }
    let ended = stage.relay.end_other_sessions(&alice.caller, EndOtherSessions {}).await.unwrap();
    assert_eq!(ended.ended, 3);
    assert!(stage.is_signed_in(&alice.token).await);
}

#[tokio::test]
async fn a_locked_page_opens_with_the_password_within_its_session() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let opened = stage.relay.unlock(&alice.caller, Unlock { proof: alice.person.proof() }).await.unwrap();
    assert_eq!(opened.session, alice.caller.session());
    assert_eq!(opened.unlock_half, alice.signed_in.unlock_half);
    assert!(opened.wrapped_by_password.is_some());
    let mut proof = alice.person.proof();
    proof.auth_key = wrong_key();
    let refusal = stage.relay.unlock(&alice.caller, Unlock { proof }).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongCredentials);
}

#[tokio::test]
async fn an_address_is_the_accounts_once_it_is_confirmed_and_the_old_one_is_told() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let wish = async |email: Option<&str>| {
        let email = email.map(|email| email.parse().unwrap());
        stage.relay.change_email(&alice.caller, ChangeEmail { proof: alice.person.proof(), email }).await
    };
    let profile = async || stage.relay.fetch_profile(&alice.caller, FetchProfile {}).await.unwrap();
    wish(Some("new@example.org")).await.unwrap();
    assert_eq!(profile().await.email.unwrap().as_str(), "alice@example.org");
    assert_eq!(profile().await.pending_email.unwrap().as_str(), "new@example.org");
    let mails = stage.take_mails().await;
    let [mail, asked] = &mails[..] else { panic!("a link, and a word to the address before") };
    assert_eq!(asked.to.as_str(), "alice@example.org");
    assert!(matches!(&asked.letter, Letter::Notice { event: Event::EmailChangeAsked, .. }));
    let Letter::ConfirmEmail { username, token } = &mail.letter else { panic!("{:?}", mail.letter) };
    assert_eq!((mail.to.as_str(), username.as_str()), ("new@example.org", "alice"));
    let confirm = async |token: &crypto::one_time::EmailToken| {
        stage.relay.confirm_email(ConfirmEmail { token: token.clone() }, HOME).await
    };
    stage.set_clock(NOW_MS + EMAIL_TOKEN_MS);
    assert_eq!(confirm(token).await.unwrap_err().code, Code::InvalidToken, "a day has passed");
    stage.set_clock(NOW_MS + EMAIL_TOKEN_MS - 1);
    assert_eq!(confirm(token).await.unwrap().email.as_str(), "new@example.org");
    assert_eq!(confirm(token).await.unwrap_err().code, Code::InvalidToken, "once");
    assert_eq!(profile().await.email.unwrap().as_str(), "new@example.org");
    let mails = stage.take_mails().await;
    let [notice] = &mails[..] else { panic!("one mail") };
    assert_eq!(notice.to.as_str(), "alice@example.org");
    assert!(matches!(&notice.letter, Letter::Notice { event: Event::EmailChanged, .. }));

    wish(None).await.unwrap();
    assert!(profile().await.email.is_none(), "removed at once");
    stage.mail.switch_off();
    assert_eq!(wish(Some("x@example.org")).await.unwrap_err().code, Code::MailUnavailable);
}

#[tokio::test]
async fn a_new_sign_in_is_told_by_mail_where_its_owner_wants_it() {
    let stage = Stage::new();
    let alice = stage.join_with_email("alice").await;
    let told = async |login_mails| {
        stage.relay.set_login_mails(&alice.caller, SetLoginMails { login_mails }).await.unwrap();
        let switched = stage.take_mails().await.len();
        stage.login(&alice.person).await;
        (switched, stage.take_mails().await.len())
    };
    assert_eq!(told(true).await, (0, 1));
    assert_eq!(told(false).await, (1, 0), "the last mail says that there are no more");
}

#[tokio::test]
async fn an_account_that_was_deleted_is_gone_and_its_name_stays_taken() {
    let stage = Stage::new();
    let [alice, bob] = [stage.join("alice").await, stage.join("bob").await];
    let delete = async |proof| stage.relay.delete_account(&alice.caller, DeleteAccount { proof }).await;
    let mut wrong = alice.person.proof();
    wrong.auth_key = wrong_key();
    assert_eq!(delete(wrong).await.unwrap_err().code, Code::WrongCredentials);
    let mut stream = stage.relay.subscribe(&alice.caller).await.unwrap();
    stream.next().await;
    let token = stage.relay.make_reset_token(&"alice".parse().unwrap()).await.unwrap();
    delete(alice.person.proof()).await.unwrap();

    assert!(!stage.is_signed_in(&alice.token).await);
    assert_eq!(stream.next().now_or_never(), Some(None));
    assert_eq!(stage.relay.login(alice.person.login(), HOME).await.unwrap_err().code, Code::WrongCredentials);
    let check = protocol::reset::CheckReset { token };
    assert_eq!(stage.relay.check_reset(check, HOME).await.unwrap_err().code, Code::InvalidToken);
    let users = stage.relay.list_users(&bob.caller, ListUsers::default()).await.unwrap().users;
    assert_eq!(users.len(), 1);
    let refusal = stage.relay.register(Person::new("alice").registration(), HOME).await.unwrap_err();
    assert_eq!(refusal.code, Code::UsernameTaken);
    assert_eq!(delete(alice.person.proof()).await.unwrap_err().code, Code::NotSignedIn);
}

fn stage_where(registration: Registration) -> Stage {
    Stage::with_policy(Policy { registration, ..test_policy() })
}

#[tokio::test]
async fn an_invitation_is_good_for_so_many_accounts_and_so_long() {
    let stage = stage_where(Registration::Invite);
    assert_eq!(stage.relay.policy(FetchPolicy {}).registration, Registration::Invite);
    let (token, made) = stage.relay.make_invite(2, Duration::from_hours(24)).await.unwrap();
    let register = async |name: &str, invite: Option<&crypto::one_time::InviteToken>| {
        let person = Person::new(name);
        let register = Register { invite: invite.cloned(), ..person.registration() };
        stage.relay.register(register, HOME).await.map_err(|refusal| refusal.code)
    };
    assert_eq!(register("alice", None).await.err(), Some(Code::InviteRequired));
    let guessed = crypto::one_time::InviteToken::from_bytes(&[7; 32]);
    assert_eq!(register("alice", Some(&guessed)).await.err(), Some(Code::InviteRequired));
    register("alice", Some(&token)).await.unwrap();
    assert_eq!(register("alice", Some(&token)).await.err(), Some(Code::UsernameTaken), "nothing is used up");
    register("bob", Some(&token)).await.unwrap();
    assert_eq!(register("carol", Some(&token)).await.err(), Some(Code::InviteRequired), "used up");
    let listed = stage.relay.list_invites().await.unwrap();
    assert_eq!((listed[0].number, listed[0].uses_left), (made.number, 0));

    let (token, _) = stage.relay.make_invite(1, Duration::from_hours(1)).await.unwrap();
    stage.set_clock(NOW_MS + HOUR_MS);
    assert_eq!(register("carol", Some(&token)).await.err(), Some(Code::InviteRequired), "over");
    stage.set_clock(NOW_MS + HOUR_MS - 1);
    register("carol", Some(&token)).await.unwrap();

    let (token, made) = stage.relay.make_invite(9, Duration::from_hours(24)).await.unwrap();
    assert!(stage.relay.revoke_invite(made.number).await.unwrap());
    assert_eq!(register("dave", Some(&token)).await.err(), Some(Code::InviteRequired), "revoked");
    assert!(!stage.relay.revoke_invite(999).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_with_one_invitation_make_one_account() {
    let stage = stage_where(Registration::Invite);
    let (token, _) = stage.relay.make_invite(1, Duration::from_hours(24)).await.unwrap();
    let tries: Vec<_> = (0..50)
        .map(|number| {
            let person = Person::new(&format!("person{number}"));
            let register = Register { invite: Some(token.clone()), ..person.registration() };
            let relay = stage.relay.clone();
            tokio::spawn(async move { relay.register(register, relay::Network::Local).await })
        })
        .collect();
    let mut made = 0;
    for tried in tries {
        made += usize::from(tried.await.unwrap().is_ok());
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn where_registration_is_closed_no_invitation_helps() {
    let stage = stage_where(Registration::Closed);
    let (token, _) = stage.relay.make_invite(1, Duration::from_hours(24)).await.unwrap();
    let register = Register { invite: Some(token), ..Person::new("alice").registration() };
    assert_eq!(stage.relay.register(register, HOME).await.unwrap_err().code, Code::RegistrationClosed);
}

#[tokio::test]
async fn what_was_counted_outlives_a_restart() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    for _ in 0..5 {
        stage.relay.login(alice.person.login_with(wrong_key()), HOME).await.unwrap_err();
    }
    let restarted = stage.restarted(7);
    restarted.restore_counters().await.unwrap();
    let refusal = restarted.login(alice.person.login(), HOME).await.unwrap_err();
    assert_eq!((refusal.code, refusal.retry_after_s), (Code::TooManyRequests, Some(1)));
}

#[tokio::test]
async fn a_clock_that_stepped_back_locks_nobody_out() {
    let stage = Stage::new();
    let alice = stage.join("alice").await;
    let wrong: Login = alice.person.login_with(wrong_key());
    stage.set_clock(NOW_MS + 365 * DAY_MS);
    for _ in 0..6 {
        stage.relay.login(wrong.clone(), HOME).await.unwrap_err();
    }
    stage.set_clock(NOW_MS);
    let wait = stage.relay.login(alice.person.login(), HOME).await.unwrap_err().retry_after_s.unwrap();
    assert!(wait <= 1, "{wait}");
    stage.set_clock(NOW_MS + u64::from(wait) * 1_000);
    stage.relay.login(alice.person.login(), HOME).await.unwrap();
}

//! What the owner of an account changes.

use http::StatusCode;
use protocol::{
    Call,
    account::{CurrentSession, Login, Logout},
    policy::{FetchPolicy, Registration},
    profile::{Changed, DeleteAccount, FetchProfile},
    refusal::Code,
    session::{EndOtherSessions, EndSession, ListSessions, Unlock},
};

use crate::{
    client::{Answer, Client},
    people::{Member, Person},
    process::Server,
};

/// A browser that has signed in, and its cookie.
async fn browser(server: &Server, person: &Person) -> Client {
    let page = server.client().with("sec-fetch-site", "same-origin");
    let answer = page.post(Login::PATH, serde_json::to_vec(&person.login()).unwrap()).await;
    let [cookie] = answer.cookies()[..] else { panic!("{answer:?}") };
    page.with("cookie", cookie.split_once(';').unwrap().0)
}

fn is_cleared(answer: &Answer) -> bool {
    answer.status == StatusCode::OK
        && answer.cookies() == ["session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"]
        && answer.header("clear-site-data") == Some("\"cache\"")
}

async fn is_dead(client: &Client) -> bool {
    client.call(CurrentSession {}).await.is_err_and(|refusal| refusal.code == Code::NotSignedIn)
}

#[tokio::test]
async fn a_cookie_that_was_stolen_is_dead_after_the_logout() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let browser = browser(&server, &alice.person).await;
    let thief = browser.clone();
    thief.call(CurrentSession {}).await.unwrap();
    assert!(is_cleared(&browser.post(Logout::PATH, "{}").await));
    assert!(is_dead(&thief).await);
    assert!(!is_dead(&alice.client).await, "another session goes on");
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let browser = browser(&server, &alice.person).await;
    let sessions = browser.call(ListSessions {}).await.unwrap().sessions;
    assert_eq!(sessions.len(), 2);
    let current = sessions.iter().find(|session| session.current).unwrap();
    assert_eq!(current.device_name, "Another program");
    let other = sessions.iter().find(|session| !session.current).unwrap();
    assert_eq!((other.device_name.as_str(), other.session), ("A program", alice.signed_in.session));

    let end = |session| serde_json::to_vec(&EndSession { session }).unwrap();
    let answer = browser.post(EndSession::PATH, end(other.session)).await;
    assert!(answer.status == StatusCode::OK && answer.cookies().is_empty(), "{answer:?}");
    assert!(is_dead(&alice.client).await);
    assert!(!is_dead(&browser).await);
    let answer = browser.post(EndSession::PATH, end(current.session)).await;
    assert!(is_cleared(&answer), "its own: the browser forgets it too, {answer:?}");
    assert!(is_dead(&browser).await);
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let [one, two] = [browser(&server, &alice.person).await, browser(&server, &alice.person).await];
    let new = Person::new("new");
    let answer = one.call(alice.person.new_password(&new)).await.unwrap();
    assert_eq!(answer, Changed {});
    assert!(!is_dead(&one).await && is_dead(&two).await && is_dead(&alice.client).await);
    let old = server.client().call(alice.person.login()).await.unwrap_err();
    assert_eq!(old.code, Code::WrongCredentials);
    let login = Login { auth_key: new.stretched.auth_key(), ..alice.person.login() };
    let signed_in = server.client().call(login).await.unwrap();
    let again = server.client().with_token(&signed_in.token.unwrap());
    assert_eq!(again.call(EndOtherSessions {}).await.unwrap().ended, 1);
    assert!(is_dead(&one).await);
    let refusal = again.call(Unlock { proof: alice.person.proof() }).await.unwrap_err();
    assert_eq!(refusal.code, Code::WrongCredentials, "the old password");
    let mut proof = alice.person.proof();
    proof.auth_key = new.stretched.auth_key();
    assert!(again.call(Unlock { proof }).await.unwrap().wrapped_by_password.is_some());
}

#[tokio::test]
async fn a_deleted_account_is_gone_from_the_browser_too() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let browser = browser(&server, &alice.person).await;
    let delete = serde_json::to_vec(&DeleteAccount { proof: alice.person.proof() }).unwrap();
    assert!(is_cleared(&browser.post(DeleteAccount::PATH, delete).await));
    assert!(is_dead(&browser).await && is_dead(&alice.client).await);
    let login = server.client().call(alice.person.login()).await.unwrap_err();
    assert_eq!(login.code, Code::WrongCredentials);
    let taken = server.client().call(Person::new("alice").registration()).await.unwrap_err();
    assert_eq!(taken.code, Code::UsernameTaken);
}

#[tokio::test]
async fn the_profile_and_what_the_server_offers_are_told() {
    let server = Server::start();
    let alice = Member::register_with_email("alice", &server.client()).await;
    let profile = alice.client.call(FetchProfile {}).await.unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "alice@example.org");
    assert_eq!(server.client().call(FetchProfile {}).await.unwrap_err().code, Code::NotSignedIn);
    let policy = server.client().call(FetchPolicy {}).await.unwrap();
    assert_eq!((policy.registration, policy.mail), (Registration::Open, false));
}

//! A link from the operator, and a new password.

use protocol::{
    account::Login,
    profile::FetchProfile,
    refusal::Code,
    reset::{CheckReset, ForgotPassword},
};

use crate::{
    people::{Member, Person},
    process::Server,
};

const BASE: [&str; 2] = ["--base-url", "https://chat.example.org"];

#[tokio::test]
async fn a_link_resets_once_and_the_keys_stay() {
    let server = Server::start();
    let [alice, bob] =
        [Member::register("alice", &server.client()).await, Member::register("bob", &server.client()).await];
    bob.send("kept", &[&alice]).await.unwrap();
    let told = server.admin(&[&["reset-link", "Alice"][..], &BASE].concat());
    assert_eq!(told.out.lines().count(), 1, "{told:?}");
    let token: crypto::one_time::ResetToken = told.token("https://chat.example.org/reset#token=");
    assert!(!told.err.contains(token.to_text().as_str()), "{told:?}");

    let checked = server.client().call(CheckReset { token: token.clone() }).await.unwrap();
    assert_eq!((checked.username.as_str(), checked.second_factor), ("alice", false));
    let new = Person::new("new");
    let redeem = alice.person.keep_keys(&token, &new);
    server.client().call(redeem.clone()).await.unwrap();
    assert_eq!(server.client().call(redeem).await.unwrap_err().code, Code::InvalidToken, "once");
    assert_eq!(server.client().call(CheckReset { token }).await.unwrap_err().code, Code::InvalidToken);
    assert_eq!(alice.client.call(FetchProfile {}).await.unwrap_err().code, Code::NotSignedIn);
    let old = server.client().call(alice.person.login()).await.unwrap_err();
    assert_eq!(old.code, Code::WrongCredentials);

    let login = Login { auth_key: new.stretched.auth_key(), ..alice.person.login() };
    let signed_in = server.client().call(login).await.unwrap();
    let client = server.client().with_token(signed_in.token.as_deref().unwrap());
    let again = Member { person: alice.person.clone(), signed_in, client };
    assert_eq!(again.open(&again.mailbox().await[0], &bob), "kept");
}

#[tokio::test]
async fn without_the_keys_the_account_begins_anew() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let token = server.admin(&["reset-link", "alice"]).token("http://127.0.0.1:8080/reset#token=");
    let (redeem, new) = alice.person.replace_keys(&token);
    server.client().call(redeem).await.unwrap();
    let signed_in = server.client().call(new.login()).await.unwrap();
    assert_eq!(signed_in.account, alice.person.account);
    let client = server.client().with_token(signed_in.token.as_deref().unwrap());
    let profile = client.call(FetchProfile {}).await.unwrap();
    assert_eq!(profile.sealed_vaults.len(), 1);
    let member = Member { person: new, signed_in, client };
    let bob = Member::register("bob", &server.client()).await;
    bob.send("to the new keys", &[&member]).await.unwrap();
    assert_eq!(member.open(&member.mailbox().await[0], &bob), "to the new keys");
}

#[tokio::test]
async fn a_newer_link_kills_the_older_and_strangers_get_none() {
    let server = Server::start();
    Member::register("alice", &server.client()).await;
    let link = || server.admin(&["reset-link", "alice"]).token("http://127.0.0.1:8080/reset#token=");
    let (older, newer) = (link(), link());
    assert_eq!(server.client().call(CheckReset { token: older }).await.unwrap_err().code, Code::InvalidToken);
    server.client().call(CheckReset { token: newer }).await.unwrap();
    let told = server.admin(&["reset-link", "nobody1"]);
    assert_eq!((told.code, told.out.as_str()), (Some(1), ""));
    assert!(told.err.contains("no account of this name"), "{told:?}");
}

#[tokio::test]
async fn without_a_mail_server_nothing_pretends_that_a_mail_was_sent() {
    let server = Server::start();
    let alice = Member::register_with_email("alice", &server.client()).await;
    let email = alice.person.email.unwrap().parse().unwrap();
    let refusal = server.client().call(ForgotPassword { email }).await.unwrap_err();
    assert_eq!(refusal.code, Code::MailUnavailable);
}

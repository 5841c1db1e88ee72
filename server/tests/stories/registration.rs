//! Who may make an account.

use protocol::{
    Refusal,
    account::SignedIn,
    policy::{FetchPolicy, Registration},
    refusal::Code,
};
use sqlx::{Connection, SqliteConnection};

use crate::{people::Person, process::Server};

async fn register(server: &Server, name: &str, link: Option<&str>) -> Result<SignedIn, Refusal> {
    let mut person = Person::new(name);
    person.invite = link.map(|link| link.trim_end().rsplit_once("#invite=").unwrap().1.parse().unwrap());
    server.client().call(person.registration()).await
}

async fn policy(server: &Server) -> Registration {
    server.client().call(FetchPolicy {}).await.unwrap().registration
}

#[tokio::test]
async fn behind_a_public_address_an_account_takes_an_invitation() {
    let server = Server::start_with(&["--base-url", "https://chat.example.org"]);
    assert_eq!(policy(&server).await, Registration::Invite);
    assert!(server.log().contains("admin invite create"), "the operator is told");
    let refusal = register(&server, "alice", None).await.unwrap_err();
    assert_eq!((refusal.code, refusal.code.status()), (Code::InviteRequired, 403));

    let arguments = ["invite", "create", "--uses", "2", "--base-url", "https://chat.example.org"];
    let invite = server.admin(&arguments);
    assert_eq!(invite.code, Some(0), "{invite:?}");
    assert!(invite.out.starts_with("https://chat.example.org/register#invite="), "{invite:?}");
    assert_eq!(invite.out.lines().count(), 1, "{invite:?}");
    assert!(invite.err.contains("Invitation 1: for 2 accounts, until "), "{invite:?}");
    register(&server, "alice", Some(&invite.out)).await.unwrap();
    register(&server, "bob", Some(&invite.out)).await.unwrap();
    let used_up = register(&server, "carol", Some(&invite.out)).await.unwrap_err();
    assert_eq!(used_up.code, Code::InviteRequired);
    assert!(used_up.message.contains("used up or over"), "{used_up:?}");

    let revoked = server.admin(&["invite", "create"]);
    assert!(revoked.out.starts_with("http://127.0.0.1:8080/register#invite="), "{revoked:?}");
    assert_eq!(server.admin(&["invite", "revoke", "2"]).code, Some(0));
    let refusal = register(&server, "carol", Some(&revoked.out)).await.unwrap_err();
    assert_eq!(refusal.code, Code::InviteRequired);
    let listed = server.admin(&["invite", "list"]);
    let numbers: Vec<&str> = listed.out.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert!(numbers.contains(&"1"), "{listed:?}");
    assert!(!listed.out.contains('#'), "links are not shown again: {listed:?}");
    assert_eq!(server.admin(&["invite", "revoke", "77"]).code, Some(1));
}

#[tokio::test]
async fn an_invitation_that_is_over_lets_nobody_in() {
    let server = Server::start_with(&["--registration", "invite"]);
    let invite = server.admin(&["invite", "create"]);
    let database = server.data().join("secure-messaging.sqlite");
    let mut connection =
        SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    sqlx::query("update invites set expires_at_ms = created_at_ms").execute(&mut connection).await.unwrap();
    let refusal = register(&server, "alice", Some(&invite.out)).await.unwrap_err();
    assert_eq!(refusal.code, Code::InviteRequired);
    sqlx::query("update invites set expires_at_ms = created_at_ms + 60000")
        .execute(&mut connection)
        .await
        .unwrap();
    register(&server, "alice", Some(&invite.out)).await.unwrap();
}

#[tokio::test]
async fn a_closed_server_takes_nobody_and_an_open_one_everybody() {
    let closed = Server::start_with(&["--registration", "closed"]);
    assert_eq!(policy(&closed).await, Registration::Closed);
    let invite = closed.admin(&["invite", "create"]);
    let refusal = register(&closed, "alice", Some(&invite.out)).await.unwrap_err();
    assert_eq!(refusal.code, Code::RegistrationClosed);

    let open = Server::start();
    assert_eq!(policy(&open).await, Registration::Open, "nobody but this machine comes here");
    register(&open, "alice", None).await.unwrap();
    let asked = Server::start_with(&["--base-url", "https://chat.example.org", "--registration", "open"]);
    assert_eq!(policy(&asked).await, Registration::Open);
}

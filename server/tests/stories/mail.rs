//! Mails that come over the wire.

use std::time::{Duration, Instant};

use protocol::{
    account::CurrentSession,
    policy::FetchPolicy,
    profile::{ChangeEmail, ConfirmEmail, FetchProfile},
    refusal::Code,
    reset::{CheckReset, ForgotPassword, MailRequested},
};

use crate::{
    people::{Member, Person},
    process::{Server, Told, binary},
    smtp::{MailServer, Mode},
};

const BASE: &str = "https://chat.example.org";

fn start(mail: &MailServer) -> Server {
    let settings =
        [mail.settings(), ["--base-url", BASE, "--registration", "open"].map(str::to_owned).to_vec()];
    Server::start_with(&settings.concat().iter().map(String::as_str).collect::<Vec<_>>())
}

fn forgot(address: &str) -> ForgotPassword {
    ForgotPassword { email: address.parse().unwrap() }
}

/// Waits until the server has logged this.
async fn logged(server: &Server, words: &str) -> String {
    let since = Instant::now();
    loop {
        if let Some(line) = server.log().lines().find(|line| line.contains(words)) {
            return line.to_owned();
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{words}: {}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_a_mail() {
    let mail = MailServer::start(Mode::Accept).await;
    let server = start(&mail);
    assert!(server.client().call(FetchPolicy {}).await.unwrap().mail);
    let alice = Member::register_with_email("alice", &server.client()).await;
    // A forged Host is none of a mail's business.
    let forged =
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    let forged = forged.iter().fold(server.client(), |client, (name, value)| client.with(name, value));
    forged.call(forgot("Alice@Example.org")).await.unwrap();
    let received = mail.mails(1).await;
    assert!(received.from.contains("<no-reply@example.org>"), "{received:?}");
    assert!(received.to.contains("<Alice@Example.org>"), "{received:?}");
    for header in
        ["Auto-Submitted: auto-generated\r\n", "Subject: Reset your password\r\n", "Date: ", "Message-ID: <"]
    {
        assert!(received.content.contains(header), "{header}: {}", received.content);
    }
    assert!(received.content.contains("@chat.example.org>\r\n"), "{}", received.content);
    let token = received.after("https://chat.example.org/reset#token=");
    assert!(received.text().contains(&format!("\n    {token}\n")), "{}", received.text());
    assert!(received.html().contains(&format!("href=\"{BASE}/reset#token={token}\"")), "{}", received.html());
    assert!(!received.content.contains("evil.example"), "{}", received.content);

    let token: crypto::one_time::ResetToken = token.parse().unwrap();
    let new = Person::new("new");
    server.client().call(alice.person.keep_keys(&token, &new)).await.unwrap();
    let notice = mail.mails(2).await;
    assert!(notice.content.contains("Subject: Your password was reset"), "{}", notice.content);
    let again = server.client().call(CheckReset { token }).await.unwrap_err();
    assert_eq!(again.code, Code::InvalidToken, "a token in an old mail");
}

#[tokio::test]
async fn an_unknown_address_gets_nothing_and_the_same_answer() {
    let mail = MailServer::start(Mode::Accept).await;
    let server = start(&mail);
    Member::register_with_email("alice", &server.client()).await;
    let unknown = server.client().call(forgot("nobody@example.org")).await.unwrap();
    let known = server.client().call(forgot("alice@example.org")).await.unwrap();
    assert_eq!((unknown, known), (MailRequested {}, MailRequested {}));
    let received = mail.mails(1).await;
    assert!(received.to.contains("alice@example.org"));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(mail.received().len(), 1);
}

#[tokio::test]
async fn another_address_is_confirmed_by_a_mail_and_the_old_one_is_told() {
    let mail = MailServer::start(Mode::Accept).await;
    let server = start(&mail);
    let alice = Member::register_with_email("alice", &server.client()).await;
    let change = ChangeEmail { proof: alice.person.proof(), email: Some("new@example.org".parse().unwrap()) };
    alice.client.call(change).await.unwrap();
    let received = mail.mails(1).await;
    assert!(received.to.contains("<new@example.org>"), "{received:?}");
    let token = received.after("https://chat.example.org/confirm-email#token=").parse().unwrap();
    let confirmed = server.client().call(ConfirmEmail { token }).await.unwrap();
    assert_eq!(confirmed.email.as_str(), "new@example.org");
    let notice = mail.mails(2).await;
    assert!(notice.to.contains("<alice@example.org>"), "{notice:?}");
    assert!(notice.text().contains("If this was not you"), "{}", notice.text());
    let profile = alice.client.call(FetchProfile {}).await.unwrap();
    assert_eq!(profile.email.unwrap().as_str(), "new@example.org");
}

#[tokio::test]
async fn a_mail_that_finds_the_mail_server_down_arrives_once_it_is_up() {
    let mail = MailServer::start(Mode::Accept).await;
    let mut server = start(&mail);
    let alice = Member::register_with_email("alice", &server.client()).await;
    let address = mail.address;
    drop(mail);
    server.client().call(forgot("alice@example.org")).await.unwrap();
    let line = logged(&server, "tried again later").await;
    assert!(line.contains("cannot be reached") && line.contains("WARN"), "{line}");
    assert!(!line.contains("alice"), "{line}");
    alice.client.call(CurrentSession {}).await.expect("everything else works");
    server.kill_and_restart();
    let mail = MailServer::start_at(address, Mode::Accept).await;
    let token = mail.mails(1).await.after("/reset#token=").parse().unwrap();
    server.client().call(CheckReset { token }).await.unwrap();
}

#[tokio::test]
async fn a_mail_server_that_breaks_off_is_asked_again() {
    let mail = MailServer::start(Mode::Drop).await;
    let server = start(&mail);
    Member::register_with_email("alice", &server.client()).await;
    server.client().call(forgot("alice@example.org")).await.unwrap();
    logged(&server, "tried again later").await;
    mail.set(Mode::Accept);
    mail.mails(1).await;
}

#[tokio::test]
async fn an_address_that_is_refused_is_not_asked_for_again() {
    let mail = MailServer::start(Mode::Refuse).await;
    let server = start(&mail);
    Member::register_with_email("alice", &server.client()).await;
    server.client().call(forgot("alice@example.org")).await.unwrap();
    let line = logged(&server, "not tried again").await;
    assert!(line.contains("550") && !line.contains("alice"), "{line}");
    mail.set(Mode::Accept);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!((mail.received().len(), mail.connections()), (0, 1));
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_delays_nobody() {
    let mail = MailServer::start(Mode::Slow).await;
    let mut server = start(&mail);
    Member::register_with_email("alice", &server.client()).await;
    let start = Instant::now();
    server.client().call(forgot("alice@example.org")).await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(mail.connections(), 1);
    let (took, was_content) = tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert!(was_content);
    assert!(took < Duration::from_secs(9), "{took:?}");
}

#[tokio::test]
async fn what_is_no_tls_gets_no_letter() {
    let mail = MailServer::start(Mode::BadTls).await;
    let settings = [mail.settings(), ["--smtp-security", "starttls"].map(str::to_owned).to_vec()].concat();
    let server = Server::start_with(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    Member::register_with_email("alice", &server.client()).await;
    server.client().call(forgot("alice@example.org")).await.unwrap();
    let line = logged(&server, "tried again later").await;
    assert!(line.contains("cannot be reached by TLS"), "{line}");
    mail.set(Mode::Accept);
    let line = logged(&server, "does not offer STARTTLS").await;
    assert!(line.contains("--smtp-security"), "{line}");
    assert!(mail.received().is_empty(), "nothing is said in the clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_mail_says_what_happened() {
    let mail = MailServer::start(Mode::Accept).await;
    let test = |settings: &[String], password: &str| {
        let mut command = binary();
        command.args(["admin", "mail-test", "operator@example.org", "--base-url", BASE]).args(settings);
        Told::of(command.env("SMTP_PASSWORD", password).output().unwrap())
    };
    let told = test(&mail.settings(), "");
    assert_eq!((told.code, told.out.as_str()), (Some(0), ""), "{told:?}");
    let received = mail.mails(1).await;
    assert!(received.text().contains(BASE) && received.to.contains("operator@example.org"), "{received:?}");

    let user = ["--smtp-user", "chat"].map(str::to_owned);
    let with_user = [mail.settings(), user.to_vec()].concat();
    assert_eq!(test(&with_user, "canary-password").code, Some(0));
    mail.set(Mode::NoLogin);
    let told = test(&with_user, "canary-password");
    assert_eq!(told.code, Some(1));
    assert!(told.err.contains("did not let us sign in") && told.err.contains("535"), "{told:?}");
    assert!(!told.err.contains("canary-password"), "{told:?}");
    mail.set(Mode::Refuse);
    let told = test(&mail.settings(), "");
    assert!(told.code == Some(1) && told.err.contains("550"), "{told:?}");
    let told = test(&[], "");
    assert!(told.code == Some(1) && told.err.contains("--smtp-host"), "{told:?}");
    let plain = ["--smtp-security", "plain"].map(str::to_owned);
    let elsewhere = with_user.iter().map(|word| word.replace("127.0.0.1", "mail.example.org")).chain(plain);
    let told = test(&elsewhere.collect::<Vec<_>>(), "canary-password");
    assert!(told.code == Some(1) && told.err.contains("for everyone to read"), "{told:?}");
}

//! Nothing that must stay secret is in the log or in the data.

use std::{fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use crypto::one_time::{InviteToken, ResetToken};
use protocol::{
    account::{CurrentSession, Login, Logout},
    directory::ListUsers,
    profile::{ChangeEmail, ConfirmEmail},
    reset::ForgotPassword,
    second_factor::SecondFactorCode,
};

use crate::{
    authenticator::Authenticator,
    people::{Member, Person},
    process::Server,
    smtp::{MailServer, Mode},
};

const PLAINTEXT: &str = "the-canary-sings-at-midnight";
/// What a browser might put into an address by mistake.
const QUERY: &str = "canary-in-a-query";

#[tokio::test]
async fn no_secret_is_in_the_log_or_in_the_data() {
    let mut server = Server::start_with(&["--log-filter", "trace"]);
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    let stranger = Person::new("stranger");
    alice.send(PLAINTEXT, &[&bob]).await.unwrap();
    assert_eq!(bob.open(&bob.mailbox().await[0], &alice), PLAINTEXT);
    let page = server.client().with("cookie", &format!("session={}", alice.token()));
    page.get(&format!("/?secret={QUERY}")).await;
    page.call(CurrentSession {}).await.unwrap();
    alice.client.call(ListUsers::default()).await.unwrap();
    let wrong = Login { auth_key: stranger.stretched.auth_key(), ..alice.person.login() };
    server.client().call(wrong).await.unwrap_err();
    let second = server.client().call(alice.person.login()).await.unwrap();
    server.client().with_token(second.token.as_deref().unwrap()).call(Logout {}).await.unwrap();
    let (_, was_content) = server.terminate();
    assert!(was_content);

    let log = server.log().into_bytes();
    let mut secrets = vec![PLAINTEXT.as_bytes().to_vec(), alice.token().as_bytes().to_vec()];
    let signature = alice.token().rsplit('.').next().unwrap();
    secrets.extend([signature.as_bytes().to_vec(), second.token.unwrap().into_bytes()]);
    for key in [
        alice.person.stretched.auth_key().expose_bytes(),
        alice.person.stretched.wrap_key().expose_bytes(),
        alice.person.account_key.expose_bytes(),
        stranger.stretched.auth_key().expose_bytes(),
    ] {
        secrets.extend(spellings(key));
    }
    let in_log_only = [spellings(&alice.signed_in.unlock_half.0), vec![QUERY.as_bytes().to_vec()]].concat();
    for secret in secrets.iter().chain(&in_log_only) {
        assert!(!contains(&log, secret), "{} is in the log", String::from_utf8_lossy(secret));
    }
    assert!(contains(&log, b"/fn/mailbox/send"), "the log is the one of these requests");

    let files = files(&server.data());
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let content = fs::read(&file).unwrap();
        for secret in &secrets {
            assert!(
                !contains(&content, secret),
                "{} is in {}",
                String::from_utf8_lossy(secret),
                file.display()
            );
        }
    }
}

/// The ways in which bytes could be written down.
fn spellings(bytes: &[u8]) -> Vec<Vec<u8>> {
    vec![
        bytes.to_vec(),
        URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
        STANDARD.encode(bytes).into_bytes(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
        format!("{bytes:?}").into_bytes(),
    ]
}

const SMTP_PASSWORD: &str = "canary-of-the-mail-server";

#[tokio::test]
async fn no_token_and_no_code_is_in_the_log_or_in_the_data() {
    let mail = MailServer::start(Mode::Accept).await;
    let folder = tempfile::tempdir().unwrap();
    let password_file = folder.path().join("password");
    fs::write(&password_file, SMTP_PASSWORD).unwrap();
    let password_file = password_file.to_str().unwrap().to_owned();
    let of_story = ["--log-filter", "trace", "--smtp-user", "chat", "--smtp-password-file", &password_file];
    let settings = [mail.settings(), of_story.map(str::to_owned).to_vec()].concat();
    let mut server = Server::start_with(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let alice = Member::register_with_email("alice", &server.client()).await;

    let (mut authenticator, codes) = Authenticator::set_up(&alice).await;
    mail.mails(1).await;
    server.client().call(ForgotPassword { email: "alice@example.org".parse().unwrap() }).await.unwrap();
    let reset = mail.mails(2).await.after("/reset#token=");
    let mut proof = alice.person.proof();
    proof.code = Some(authenticator.next());
    let change = ChangeEmail { proof, email: Some("new@example.org".parse().unwrap()) };
    alice.client.call(change).await.unwrap();
    let email = mail.mails(3).await.after("/confirm-email#token=");
    server.client().call(ConfirmEmail { token: email.parse().unwrap() }).await.unwrap();
    mail.mails(4).await;
    let operators: ResetToken =
        server.admin(&["reset-link", "alice"]).token("http://127.0.0.1:8080/reset#token=");
    let invite: InviteToken =
        server.admin(&["invite", "create"]).token("http://127.0.0.1:8080/register#invite=");
    let wrong = alice.person.keep_keys(&reset.parse().unwrap(), &Person::new("new"));
    server.client().call(wrong).await.unwrap_err();
    let mut redeem = alice.person.keep_keys(&operators, &Person::new("new"));
    redeem.code = Some(SecondFactorCode::Recovery(codes.codes[0].clone()));
    server.client().call(redeem).await.unwrap();
    mail.mails(6).await;
    let (_, was_content) = server.terminate();
    assert!(was_content);

    let mut secrets = vec![
        SMTP_PASSWORD.as_bytes().to_vec(),
        STANDARD.encode(format!("\0chat\0{SMTP_PASSWORD}")).into_bytes(),
        authenticator.secret.clone().into_bytes(),
    ];
    secrets.extend(spellings(authenticator.bytes()));
    for token in [&reset, &email, operators.to_text().as_str(), invite.to_text().as_str()] {
        secrets.extend(spellings(&URL_SAFE_NO_PAD.decode(token).unwrap()));
    }
    for code in &codes.codes {
        let text = code.to_text();
        secrets.extend([text.as_bytes().to_vec(), text.replace('-', "").into_bytes()]);
        secrets.extend(spellings(code.expose_bytes()));
    }
    let log = server.log().into_bytes();
    assert!(contains(&log, b"/fn/reset/redeem") && contains(&log, b"mail: sent"), "the log is of this story");
    for address in ["alice@example.org", "new@example.org"] {
        assert!(!contains(&log, address.as_bytes()), "{address} is in the log");
    }
    for secret in &secrets {
        assert!(!contains(&log, secret), "{} is in the log", String::from_utf8_lossy(secret));
        for file in files(&server.data()) {
            let content = fs::read(&file).unwrap();
            let name = String::from_utf8_lossy(secret);
            assert!(!contains(&content, secret), "{name} is in {}", file.display());
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

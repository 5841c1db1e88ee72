//! Nothing that must stay secret is in the log or in the data.

use std::{fs, path::Path};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use protocol::{
    account::{CurrentSession, Login, Logout},
    directory::ListUsers,
};

use crate::{
    people::{Member, Person},
    process::Server,
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

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

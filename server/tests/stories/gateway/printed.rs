//! The lines of the documentation run as they stand.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use serde_json::Value;

use super::Program;
use crate::{
    process::{Server, Told},
    smtp::{MailServer, Mode},
};

/// Runs lines of bash whose curl finds port 8080 at `address`; the statuses that curl saw stand on standard error.
fn run(lines: &str, address: SocketAddr, folder: &Path, more: &str, token: &str) -> Told {
    let settings = format!(
        "silent\nmax-time = 60\nconnect-to = \"127.0.0.1:8080:{address}\"\nwrite-out = \"%{{stderr}}%{{http_code}}\\n\"\n{more}"
    );
    fs::write(folder.join(".curlrc"), settings).unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", lines])
        .current_dir(folder)
        .env("CURL_HOME", folder)
        .env("TOKEN", token)
        .output()
        .unwrap();
    Told::of(output)
}

/// Every curl of the lines answered with 200, or with the status that a comment before it announces.
fn assert_as_announced(lines: &str, told: &Told) {
    let mut expected = Vec::new();
    let mut announced = None;
    for line in lines.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            announced = comment.split(':').next().map(str::to_owned);
        }
        for _ in line.matches("curl ") {
            expected.push(announced.take().unwrap_or_else(|| "200".to_owned()));
        }
    }
    let seen: Vec<&str> = told.err.lines().collect();
    assert_eq!(seen, expected, "{lines}\n{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documentations_lines_run_as_they_stand() {
    let mail = MailServer::start(Mode::Accept).await;
    let settings = mail.settings();
    let server = Server::start_with(&settings.iter().map(String::as_str).collect::<Vec<_>>());
    let folder = tempfile::tempdir().unwrap();
    let documentation = include_str!("../../../../docs/api.md");
    let blocks = documentation.split("```bash\n").skip(1);
    let blocks: Vec<&str> = blocks.map(|block| block.split("```").next().unwrap()).collect();
    let reset = blocks.iter().position(|block| block.contains("$TOKEN")).unwrap();

    let before = blocks[..reset].concat();
    let told = run(&before, server.address, folder.path(), "", "");
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_as_announced(&before, &told);

    let since = std::time::Instant::now();
    let letter = loop {
        let received = mail.received().into_iter().find(|mail| mail.content.contains("Reset your password"));
        match received {
            Some(letter) => break letter,
            None => assert!(since.elapsed() < std::time::Duration::from_secs(30), "no mail came"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let token = letter.after("/reset#token=");
    let after = blocks[reset..].concat();
    let told = run(&after, server.address, folder.path(), "", &token);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_as_announced(&after, &told);
    assert!(told.out.contains("\"history_kept\":false"), "{told:?}");

    // Each address of the description has its line.
    let described: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    for path in described["paths"].as_object().unwrap().keys() {
        let path = path.replace("{username}", "bob").replace("{id}", "$id");
        assert!(documentation.contains(&format!("http://127.0.0.1:8080{path}")), "{path} has no line");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_documents_lines_work_word_for_word() {
    let server = Server::start();
    Program::registers(server.client(), "bob").await;
    let folder = tempfile::tempdir().unwrap();
    let cookies = "cookie = \"cookies.txt\"\ncookie-jar = \"cookies.txt\"\n";
    let lines = r#"curl -X POST http://127.0.0.1:8080/api/register \
  -H "Content-Type: application/json" \
  -d '{"username":"alice","password":"StrongPass123!"}'
curl -X POST http://127.0.0.1:8080/api/login \
  -H "Content-Type: application/json" \
  -d '{"username":"alice","password":"StrongPass123!","totp":"123456"}'
curl -X POST http://127.0.0.1:8080/api/messages \
  -H "Content-Type: application/json" \
  -d '{"recipient":"bob","message":"Hello Bob! This is a secret message."}'
curl -X GET http://127.0.0.1:8080/api/messages
"#;
    let told = run(lines, server.address, folder.path(), cookies, "");
    assert_as_announced(lines, &told);
    assert!(told.out.ends_with("[]"), "nobody has written to her yet: {told:?}");
    let bob = Program::signs_in(server.client(), "bob").await;
    assert_eq!(bob.inbox().await, ["alice: Hello Bob! This is a secret message."]);
    let cookie = fs::read_to_string(folder.path().join("cookies.txt")).unwrap();
    assert!(cookie.contains("#HttpOnly_127.0.0.1"), "{cookie}");
}

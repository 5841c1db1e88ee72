//! The REST API: as the documentation prints it, and as programs use and misuse it.

use std::{fs, net::SocketAddr, path::Path, process::Command};

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use protocol::session::ListSessions;
use serde_json::{Value, json};

use crate::{
    authenticator::Authenticator,
    client::{Answer, Client},
    people::Member,
    process::{GatewayProcess, Server, Told},
    smtp::{MailServer, Mode},
};

const PASSWORD: &str = "StrongPass123!";

/// A program that speaks to a gateway.
#[derive(Clone)]
struct Program(Client);

impl Program {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(&self.0.post(path, body.to_string()).await)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        read(&self.0.get(path).await)
    }

    async fn registers(client: Client, name: &str) -> Self {
        let (status, answer) =
            Self(client.clone()).post("/api/register", json!({"username": name, "password": PASSWORD})).await;
        assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{answer}");
        Self::signs_in(client, name).await
    }

    async fn signs_in(client: Client, name: &str) -> Self {
        let form = json!({"username": name, "password": PASSWORD});
        let (status, answer) = Self(client.clone()).post("/api/login", form).await;
        assert_eq!(status, 200, "{answer}");
        Self(client.with_token(answer["token"].as_str().unwrap()))
    }

    async fn says(&self, to: &str, text: &str) -> Value {
        let (status, sent) = self.post("/api/messages", json!({"recipient": to, "message": text})).await;
        assert_eq!(status, 200, "{sent}");
        sent
    }

    async fn inbox(&self) -> Vec<String> {
        let (status, messages) = self.get("/api/messages").await;
        assert_eq!(status, 200, "{messages}");
        texts(&messages)
    }
}

/// `author: text`, in the order of the answer.
fn texts(messages: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |message: &Value| format!("{}: {}", text(&message["from"]), text(&message["message"]));
    messages.as_array().unwrap().iter().map(line).collect()
}

/// The status and the body, which is JSON: a refusal says all that a refusal says.
fn read(answer: &Answer) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    if answer.status != StatusCode::OK {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
        assert_eq!(body["status"], answer.status.as_u16(), "{body}");
        assert_eq!(body["request_id"].as_str(), answer.header("x-request-id"), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
        assert!(body["code"].is_string(), "{body}");
    }
    (answer.status.as_u16(), body)
}

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
    let documentation = include_str!("../../../docs/api.md");
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
    let described: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn programs_on_different_gateways_write_to_each_other_and_the_server_sees_nothing_of_it() {
    const PLAINTEXT: &str = "the-canary-sings-at-the-gateway";
    let mut server = Server::start_with(&["--log-filter", "trace", "--gateway", "off"]);
    let [mut here, there] = [GatewayProcess::start(&server), GatewayProcess::start(&server)];
    let alice = Program::registers(here.client(), "alice").await;
    let bob = Program::registers(there.client(), "bob").await;
    alice.says("bob", PLAINTEXT).await;
    assert_eq!(bob.inbox().await, [format!("alice: {PLAINTEXT}")]);
    let (_, numbers) = alice.get("/api/contacts/bob/safety-number").await;
    let (_, same) = bob.get("/api/contacts/alice/safety-number").await;
    assert_eq!(numbers["safety_number"], same["safety_number"]);

    let (_, sent) = bob
        .post("/api/group-messages", json!({"recipients": ["alice", "zoe", "Alice"], "message": PLAINTEXT}))
        .await;
    assert_eq!((&sent["sent"], &sent["failed"]), (&json!(1), &json!(["zoe"])), "{sent}");
    here.terminate();
    server.terminate();
    for (whose, log) in [("server", server.log()), ("gateway", here.log()), ("gateway", there.log())] {
        for secret in [PLAINTEXT, PASSWORD] {
            assert!(!log.contains(secret), "{secret} is in the {whose}'s log");
        }
    }
    for file in fs::read_dir(server.data()).unwrap() {
        let content = fs::read(file.unwrap().path()).unwrap();
        for secret in [PLAINTEXT, PASSWORD] {
            assert!(!content.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_message_also_after_the_gateway_was_restarted() {
    let server = Server::start();
    let first = GatewayProcess::start(&server);
    let alice = Program::registers(first.client(), "alice").await;
    let bob = Program::registers(server.client(), "bob").await;
    let form = json!({"recipient": "bob", "message": "Pay 5"});
    let named = |program: &Program| Program(program.0.with("idempotency-key", "order 17"));
    let (status, sent) = named(&alice).post("/api/messages", form.clone()).await;
    assert_eq!(status, 200, "{sent}");
    drop(first);
    let second = GatewayProcess::start(&server);
    let again = named(&Program::signs_in(second.client(), "alice").await);
    assert_eq!(again.post("/api/messages", form).await, (200, sent));
    let (status, refused) =
        again.post("/api/messages", json!({"recipient": "bob", "message": "Pay 500"})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("message_conflict")), "{refused}");
    assert_eq!(bob.inbox().await, ["alice: Pay 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_waits_resumes_and_streams() {
    let server = Server::start();
    let [alice, bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    alice.says("bob", "one").await;
    let (_, feed) = bob.get("/api/events").await;
    assert_eq!(texts(&feed["messages"]), ["alice: one"]);
    let cursor = feed["cursor"].as_str().unwrap().to_owned();
    let (_, empty) = bob.get(&format!("/api/events?after={cursor}&wait=0")).await;
    assert_eq!(empty, json!({"messages": [], "cursor": cursor, "held": 0}));

    let waiting = {
        let (bob, cursor) = (bob.clone(), cursor.clone());
        tokio::spawn(async move { bob.get(&format!("/api/events?after={cursor}&wait=60")).await })
    };
    alice.says("bob", "two").await;
    let (_, feed) = waiting.await.unwrap();
    assert_eq!(texts(&feed["messages"]), ["alice: two"]);

    // What was acknowledged does not come again; what was not does.
    let (_, again) = bob.get("/api/events?wait=0").await;
    assert_eq!(texts(&again["messages"]), ["alice: two"]);
    let (status, _) = bob.post("/api/events/ack", json!({"cursor": feed["cursor"]})).await;
    assert_eq!(status, 200);
    let (_, nothing) = bob.get("/api/events?wait=0").await;
    assert_eq!(texts(&nothing["messages"]).len(), 0);

    let stream = bob.0.with("accept", "text/event-stream").with("last-event-id", &cursor);
    let mut stream = stream.open(Method::GET, "/api/events", Body::empty()).await.unwrap().into_body();
    alice.says("bob", "three").await;
    let mut seen = String::new();
    while !seen.contains("three") {
        let frame = stream.frame().await.unwrap().unwrap();
        seen += str::from_utf8(frame.data_ref().unwrap()).unwrap();
    }
    assert!(seen.contains("event: message\nid: 2\n"), "{seen}");
    assert!(!seen.contains("\"one\""), "{seen}");
}

/// Reads a stream until it ends, for at most ten seconds.
async fn read_to_the_end(mut stream: hyper::body::Incoming) -> String {
    let whole = async {
        let mut seen = String::new();
        while let Some(Ok(frame)) = stream.frame().await {
            seen += str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
        seen
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), whole).await.expect("the stream ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_and_with_its_login() {
    let server = Server::start();
    let [alice, bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    let (_, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    let follow = async |client: Client| {
        let client = client.with("accept", "text/event-stream");
        client.open(Method::GET, "/api/events", Body::empty()).await.unwrap().into_body()
    };
    let by_token = follow(server.client().with_token(made["token"].as_str().unwrap())).await;
    let mut by_login = follow(alice.0.clone()).await;
    let waiting = {
        let alice = alice.clone();
        tokio::spawn(async move { alice.get("/api/events?wait=60").await })
    };
    let revoked = alice.0.send(Method::DELETE, &format!("/api/tokens/{}", made["id"]), Body::empty()).await;
    assert_eq!(read(&revoked).0, 200);
    bob.says("alice", "after the token was taken away").await;
    assert!(!read_to_the_end(by_token).await.contains("taken away"));
    assert_eq!(texts(&waiting.await.unwrap().1["messages"]), ["bob: after the token was taken away"]);
    let mut seen = String::new();
    while !seen.contains("taken away") {
        let frame = by_login.frame().await.unwrap().unwrap();
        seen += str::from_utf8(frame.data_ref().unwrap()).unwrap();
    }
    assert_eq!(alice.post("/api/logout", json!({})).await.0, 200);
    bob.says("alice", "after the logout").await;
    assert!(!read_to_the_end(by_login).await.contains("after the logout"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_program_has_read_is_its_own_and_nobody_has_read_what_has_not_come() {
    let server = Server::start();
    let [alice, bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    bob.says("alice", "one").await;
    let (_, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    let reader = Program(server.client().with_token(made["token"].as_str().unwrap()));
    assert_eq!(alice.post("/api/events/ack", json!({"cursor": "1"})).await.0, 200);
    assert_eq!(texts(&alice.get("/api/events?wait=0").await.1["messages"]).len(), 0);
    assert_eq!(texts(&reader.get("/api/events?wait=0").await.1["messages"]), ["bob: one"]);
    for path in ["/api/events?wait=0&after=2", "/api/events?wait=0&after=9999999999999999999"] {
        assert_eq!(reader.get(path).await.0, 400, "{path}");
    }
    assert_eq!(reader.post("/api/events/ack", json!({"cursor": "2"})).await.0, 400);
    assert_eq!(texts(&reader.get("/api/events?wait=0").await.1["messages"]), ["bob: one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_account_eight_logins_are_open_and_nobody_elses_makes_room() {
    let server = Server::start();
    let bob = Program::registers(server.client(), "bob").await;
    let first = Program::registers(server.client(), "alice").await;
    let mut logins = Vec::new();
    for _ in 0..8 {
        logins.push(Program::signs_in(server.client(), "alice").await);
    }
    assert_eq!((first.get("/api/me").await.0, bob.get("/api/me").await.0), (401, 200));
    for login in logins {
        assert_eq!(login.get("/api/me").await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reaches_as_far_as_its_scopes_and_ends_with_its_login() {
    let server = Server::start();
    let [alice, _bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    let (status, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    assert_eq!(status, 200, "{made}");
    let reader = Program(server.client().with_token(made["token"].as_str().unwrap()));
    assert_eq!(reader.get("/api/messages").await.0, 200);
    for (path, body) in [
        ("/api/messages", json!({"recipient": "bob", "message": "x"})),
        ("/api/tokens", json!({"name": "another", "scopes": ["send"]})),
        ("/api/totp/setup", json!({"password": PASSWORD})),
        ("/api/logout", json!({})),
    ] {
        let (status, refused) = reader.post(path, body).await;
        assert_eq!((status, &refused["code"]), (403, &json!("scope")), "{path}: {refused}");
    }
    let (_, listed) = alice.get("/api/tokens").await;
    assert_eq!((&listed[0]["name"], listed[0]["token"].is_null()), (&json!("reader"), true), "{listed}");
    assert!(listed[0]["last_used_at"].is_string(), "{listed}");
    for scopes in [json!([]), json!(["account"]), json!(["everything"])] {
        assert_eq!(alice.post("/api/tokens", json!({"name": "x", "scopes": scopes})).await.0, 400);
    }

    assert_eq!(alice.post("/api/logout", json!({})).await.0, 200);
    assert_eq!((alice.get("/api/me").await.0, reader.get("/api/messages").await.0), (401, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_here_is_a_session_there_and_ends_both_ways() {
    let server = Server::start();
    let alice = Program::registers(server.client(), "alice").await;
    let mut gateway = GatewayProcess::start(&server);
    let elsewhere = Program::signs_in(gateway.client(), "alice").await;
    assert_eq!(elsewhere.get("/api/me").await.0, 200);
    // A program of the sealed protocol sees the sessions, and ends them.
    let member = Member::register("bob", &server.client()).await;
    assert_eq!(member.client.call(ListSessions {}).await.unwrap().sessions.len(), 1);
    gateway.terminate();
    assert!(gateway.log().contains("stopped"), "{}", gateway.log());
    assert_eq!(alice.get("/api/users").await, (200, json!(["alice", "bob"])));
    let log = server.log();
    assert!(log.contains("/fn/session/logout"), "its sessions ended with the gateway");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_second_factor_nobody_is_signed_in_without_a_code() {
    let server = Server::start();
    let alice = Program::registers(server.client(), "alice").await;
    // The login was just now: as the first document has it, nothing more is asked for.
    let answer = alice.0.send(Method::POST, "/api/totp/setup", Body::empty()).await;
    let (status, setup) = read(&answer);
    assert_eq!(status, 200, "{setup}");
    assert!(setup["qr_code"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
    let mut authenticator = Authenticator::holding(setup["secret"].as_str().unwrap().to_owned());
    let (status, enabled) = alice.post("/api/totp/enable", json!({"totp": authenticator.next_text()})).await;
    assert_eq!(status, 200, "{enabled}");
    let recovery_codes = enabled["recovery_codes"].as_array().unwrap();
    assert_eq!(recovery_codes.len(), 10);

    let anybody = Program(server.client());
    let form = json!({"username": "alice", "password": PASSWORD});
    let answer = anybody.0.post("/api/login", form.to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.cookies().len()), (200, 0), "no session");
    let (_, asked) = read(&answer);
    assert_eq!((&asked["requires_totp"], asked["token"].is_null()), (&json!(true), true), "{asked}");
    assert!(asked["message"].is_string());

    let with = |field: &str, code: &str| {
        let mut form = form.clone();
        form[field] = json!(code);
        form
    };
    let (status, refused) = anybody.post("/api/login", with("totp", "000000")).await;
    assert_eq!((status, &refused["detail"]), (401, &json!("Invalid TOTP token")));
    let (status, refused) = anybody.post("/api/login", with("totp", "12")).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")));
    let (status, answer) =
        anybody.post("/api/login", with("totp_token", recovery_codes[0].as_str().unwrap())).await;
    assert_eq!(status, 200, "{answer}");
    let again = Program(server.client().with_token(answer["token"].as_str().unwrap()));

    let (status, refused) = again.post("/api/totp/disable", json!({})).await;
    assert_eq!((status, &refused["code"]), (401, &json!("second_factor_required")), "{refused}");
    let (status, done) = again.post("/api/totp/disable", json!({"totp": recovery_codes[1]})).await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(anybody.post("/api/login", form).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_keeps_everything_with_the_recovery_key() {
    let server = Server::start();
    let form = json!({"username": "alice", "password": PASSWORD});
    let (_, registered) = Program(server.client()).post("/api/register", form).await;
    let bob = Program::registers(server.client(), "bob").await;
    bob.says("alice", "before the reset").await;
    let token = server.admin(&["reset-link", "alice"]).out;
    let token = token.split("#token=").nth(1).unwrap().trim().to_owned();
    let anybody = Program(server.client());
    let reset = |key: &str| json!({"token": token, "new_password": "Another-1-way", "recovery_key": key});

    let (status, refused) = anybody.post("/api/reset-password", reset("K7QD-2M9X")).await;
    assert_eq!((status, &refused["code"]), (400, &json!("wrong_recovery_key")), "{refused}");
    let (status, done) =
        anybody.post("/api/reset-password", reset(registered["recovery_key"].as_str().unwrap())).await;
    assert_eq!(
        (status, &done["history_kept"], done["recovery_key"].is_null()),
        (200, &json!(true), true),
        "{done}"
    );
    let (status, refused) =
        anybody.post("/api/reset-password", json!({"token": token, "new_password": "Another-1-way"})).await;
    assert_eq!((status, &refused["code"]), (400, &json!("invalid_token")), "{refused}");

    let (_, answer) =
        anybody.post("/api/login", json!({"username": "alice", "password": "Another-1-way"})).await;
    let alice = Program(server.client().with_token(answer["token"].as_str().unwrap()));
    assert_eq!(alice.inbox().await, ["bob: before the reset"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_sentence() {
    let server = Server::start();
    let [alice, _bob] = [
        Program::registers(server.client(), "alice").await,
        Program::registers(server.client(), "bob").await,
    ];
    let anybody = Program(server.client());
    let deep = "[".repeat(100_000);
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("null", 400),
        ("[]", 400),
        (r#"["bob","a form as a list"]"#, 400),
        (r#"{"recipient":"bob"}"#, 400),
        (r#"{"recipient":1,"message":"x"}"#, 400),
        (r#"{"recipient":"bob","message":"x","extra":1}"#, 400),
        (r#"{"recipient":"bob","message":"a\u0000b"}"#, 400),
        (r#"{"recipient":"bob","message":"  "}"#, 400),
        (r#"{"recipient":"alice","message":"to oneself"}"#, 400),
        (r#"{"recipient":"nobody","message":"x"}"#, 404),
        (r#"{"recipient":"not a name!","message":"x"}"#, 404),
        (deep[..70_000].trim(), 400),
    ] {
        let answer = alice.0.post("/api/messages", body.to_owned()).await;
        assert_eq!(read(&answer).0, status, "{}", &body[..body.len().min(60)]);
    }
    let too_long = json!({"recipient": "bob", "message": "x".repeat(10_001)});
    assert_eq!(alice.post("/api/messages", too_long).await.0, 400);
    let answer = alice.0.post("/api/messages", vec![b' '; 8 * 1024 * 1024]).await;
    assert_eq!(read(&answer).0, 413);
    let form = alice.0.with("content-type", "application/x-www-form-urlencoded");
    let answer = form.send(Method::POST, "/api/messages", Body::from("recipient=bob&message=x")).await;
    assert_eq!(read(&answer).0, 415);

    for (path, status) in [
        ("/api/messages?limit=0", 400),
        ("/api/messages?limit=1001", 400),
        ("/api/messages?after=x", 400),
        ("/api/messages?after=1&before=2", 400),
        ("/api/messages?colour=blue", 400),
        ("/api/messages?conversation=x", 400),
        ("/api/events?wait=61", 400),
        ("/api/contacts/nobody/safety-number", 404),
        ("/api/contacts/%ff/safety-number", 400),
        ("/api/nothing", 404),
    ] {
        assert_eq!(alice.get(path).await.0, status, "{path}");
    }
    for (path, body, status, detail) in [
        (
            "/api/register",
            json!({"username": "carol", "password": "short"}),
            400,
            "Password must be at least 8 characters long",
        ),
        ("/api/register", json!({"username": "alice", "password": PASSWORD}), 409, "User already exists"),
        (
            "/api/login",
            json!({"username": "alice", "password": "Wrong1234!"}),
            401,
            "Wrong username or password",
        ),
        (
            "/api/login",
            json!({"username": "stranger", "password": "Wrong1234!"}),
            401,
            "Wrong username or password",
        ),
        (
            "/api/reset-password",
            json!({"token": "x", "new_password": PASSWORD}),
            400,
            "This link is not valid any more: ask for a new one",
        ),
        ("/api/messages", json!({"recipient": "bob", "message": "x"}), 401, "Not signed in"),
    ] {
        let (seen, refused) = anybody.post(path, body).await;
        let said = refused["detail"].as_str().unwrap();
        assert!(seen == status && said.starts_with(detail), "{path}: {refused}");
    }
    let (status, refused) = anybody.post("/api/forgot-password", json!({"email": "a@example.org"})).await;
    assert_eq!((status, &refused["code"]), (503, &json!("mail_unavailable")), "{refused}");
    let answer = anybody.0.send(Method::PUT, "/api/login", Body::empty()).await;
    assert_eq!((read(&answer).0, answer.header("allow")), (405, Some("POST")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_and_foreign_names_are_turned_away() {
    let server = Server::start();
    let alice = Program::registers(server.client(), "alice").await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("host", "evil.example:8080"),
    ] {
        let (status, refused) = Program(alice.0.with(name, value)).get("/api/messages").await;
        assert_eq!((status, &refused["code"]), (403, &json!("cross_site")), "{name}: {value}");
    }
    // The page that describes the API is a page like any other: it may be followed to, and asks nobody else.
    let page = server.client().with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "navigate");
    let page = page.get("/api/docs").await;
    assert_eq!((page.status.as_u16(), page.header("x-content-type-options")), (200, Some("nosniff")));
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let link = alice.0.with("sec-fetch-site", "cross-site").with("sec-fetch-mode", "navigate");
    assert_eq!(Program(link).get("/api/events?after=0&wait=0").await.0, 403, "a link is no call");
    // Whom a proxy brings here, of which the server was not told, is not this machine.
    let outside = server.client().with("x-forwarded-for", "203.0.113.9").get("/api/health").await;
    assert_eq!(outside.status.as_u16(), 404);
    let own = format!("http://{}", server.address);
    assert_eq!(Program(alice.0.with("origin", &own)).get("/api/messages").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_for_others_serves_no_gateway_unless_told_so() {
    for (settings, status) in [
        (&["--base-url", "https://chat.example.org"][..], 404),
        (&["--gateway", "off"], 404),
        (&["--base-url", "https://chat.example.org", "--gateway", "on"], 200),
    ] {
        let server = Server::start_with(settings);
        let answer = server.client().get("/api/health").await;
        assert_eq!(answer.status.as_u16(), status, "{settings:?}");
        if status == 404 {
            assert!(answer.refusal().message.contains("secure-messaging gateway --server"), "{answer:?}");
        } else {
            assert!(server.log().contains("could read what"), "the log says what it means");
        }
    }
}

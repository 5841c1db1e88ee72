//! What is refused, and in which words.

use axum::body::Body;
use http::Method;
use serde_json::json;

use super::{PASSWORD, Program, read};
use crate::process::Server;

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

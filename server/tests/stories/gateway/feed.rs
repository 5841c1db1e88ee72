//! What comes, as it comes.

use axum::body::Body;
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;

use super::{Program, read, texts};
use crate::{client::Client, process::Server};

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

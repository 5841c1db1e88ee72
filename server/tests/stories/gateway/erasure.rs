//! Messages are deleted, and disappear.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use super::{Program, read, texts};
use crate::process::{GatewayProcess, Server};

/// So long something that is bound to happen may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn alice_and_bob(server: &Server) -> [Program; 2] {
    [Program::registers(server.client(), "alice").await, Program::registers(server.client(), "bob").await]
}

fn id_of(sent: &Value) -> String {
    format!("/api/messages/{}", sent["id"].as_str().unwrap())
}

async fn timer_of(program: &Program) -> Value {
    program.get("/api/conversations").await.1[0]["timer_s"].clone()
}

/// Asks again and again until the answer is there.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "it did not happen: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_for_oneself_is_gone_on_ones_devices_and_nowhere_else() {
    let server = Server::start();
    let [alice, bob] = alice_and_bob(&server).await;
    let gateway = GatewayProcess::start(&server);
    let elsewhere = Program::signs_in(gateway.client(), "bob").await;
    let one = id_of(&alice.says("bob", "one").await);
    alice.says("bob", "two").await;
    assert_eq!(elsewhere.inbox().await, ["alice: two", "alice: one"]);
    let (status, shown) = bob.get(&one).await;
    assert_eq!((status, &shown["message"], &shown["kind"]), (200, &json!("one"), &json!("text")));
    assert_eq!((&shown["disappears_at_ms"], &shown["missed_devices"]), (&Value::Null, &json!(0)));

    assert_eq!(bob.delete(&one).await, (200, json!({"status": "ok"})));
    for bobs in [&bob, &elsewhere] {
        assert_eq!(bobs.inbox().await, ["alice: two"]);
        let (_, feed) = bobs.get("/api/events?after=0&wait=0").await;
        assert_eq!(texts(&feed["messages"]), ["alice: two"]);
        for answer in [bobs.get(&one).await, bobs.delete(&one).await] {
            let (status, refused) = answer;
            let said = (status, &refused["code"], &refused["detail"]);
            assert_eq!(said, (404, &json!("not_found"), &json!("This message is not here any more")));
        }
    }
    assert_eq!(alice.get(&one).await.0, 200, "she keeps hers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_gone_for_everyone_and_only_its_author_takes_it_back() {
    let server = Server::start();
    let [alice, bob] = alice_and_bob(&server).await;
    let sent = alice.says("bob", "the wrong window").await;
    let one = id_of(&sent);
    assert_eq!(bob.inbox().await, ["alice: the wrong window"]);
    let (status, refused) = bob.delete(&format!("{one}?for=everyone")).await;
    let said = (status, &refused["code"], &refused["detail"]);
    let words = json!("Only your own messages can be deleted for everyone");
    assert_eq!(said, (403, &json!("not_yours"), &words), "{refused}");
    assert_eq!(bob.get(&one).await.0, 200);
    assert_eq!(alice.delete(&format!("{one}?for=nobody")).await.0, 400);
    assert_eq!(alice.delete(&format!("{one}?from=everyone")).await.0, 400);
    let (_, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    let reader = Program(server.client().with_token(made["token"].as_str().unwrap()));
    assert_eq!(reader.delete(&one).await.0, 403);

    assert_eq!(alice.delete(&format!("{one}?for=everyone")).await, (200, json!({"status": "ok"})));
    for program in [&alice, &bob] {
        let (_, messages) = program.get("/api/messages?mine=true").await;
        assert_eq!(texts(&messages).len(), 0, "{messages}");
        assert_eq!(program.get(&one).await.0, 404);
        assert_eq!(program.delete(&format!("{one}?for=everyone")).await.0, 404);
    }
    // Who comes later finds nothing either.
    let gateway = GatewayProcess::start(&server);
    assert_eq!(Program::signs_in(gateway.client(), "bob").await.inbox().await.len(), 0);
    for nowhere in ["/api/messages/x", "/api/messages/AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!((alice.get(nowhere).await.0, alice.delete(nowhere).await.0), (404, 404), "{nowhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_timer_messages_disappear_by_themselves() {
    let server = Server::start();
    let [alice, bob] = alice_and_bob(&server).await;
    let conversation = alice.says("bob", "this stays").await["conversation"].as_str().unwrap().to_owned();
    assert_eq!(timer_of(&alice).await, Value::Null);
    let timer = format!("/api/conversations/{conversation}/timer");
    for _ in 0..2 {
        let (status, set) = alice.put(&timer, json!({"seconds": 5})).await;
        assert_eq!((status, set), (200, json!({"status": "ok", "timer_s": 5})));
    }
    let (_, inbox) = bob.get("/api/messages").await;
    let line = "alice: Messages disappear after 5 seconds from here on";
    assert_eq!(texts(&inbox), [line, "alice: this stays"], "it was said once");
    assert_eq!((&inbox[0]["kind"], &inbox[0]["readable"]), (&json!("timer"), &json!(true)));
    assert_eq!((timer_of(&alice).await, timer_of(&bob).await), (json!(5), json!(5)));

    // It must be fetched before its time is over: on a busy machine not every one is.
    let (sent, seen) = until("a message is seen before it disappears", async || {
        let form = json!({"recipient": "bob", "message": "read this quickly"});
        let (status, sent) = alice.post("/api/messages", form).await;
        if status == 409 {
            // His device has not said yet that it is there.
            assert_eq!(sent["code"], "not_sent", "{sent}");
            return None;
        }
        assert_eq!((status, &sent["missed_devices"]), (200, &json!(0)), "{sent}");
        let (status, seen) = bob.get(&id_of(&sent)).await;
        (status == 200).then_some((sent, seen))
    })
    .await;
    assert_eq!(seen["message"], "read this quickly");
    assert!(seen["disappears_at_ms"].is_u64() && sent["disappears_at_ms"].is_u64(), "{seen} {sent}");
    let path = id_of(&sent);
    for program in [&alice, &bob] {
        until("it disappears", async || (program.get(&path).await.0 == 404).then_some(())).await;
        assert_eq!(program.delete(&path).await.0, 404);
    }
    until("nothing of it is left", async || {
        let all = [bob.get("/api/messages?mine=true").await.1, alice.get("/api/messages?mine=true").await.1];
        let all = all.iter().flat_map(texts).filter(|text| text.contains("quickly")).count();
        let feed = texts(&bob.get("/api/events?after=0&wait=0").await.1["messages"]);
        (all == 0 && !feed.iter().any(|text| text.contains("quickly"))).then_some(())
    })
    .await;

    let (status, set) = bob.put(&timer, json!({"seconds": null})).await;
    assert_eq!((status, &set["timer_s"]), (200, &Value::Null), "{set}");
    assert_eq!(alice.inbox().await, ["bob: Messages stay from here on"]);
    assert_eq!(timer_of(&alice).await, Value::Null);
    assert_eq!(alice.says("bob", "this stays too").await["disappears_at_ms"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_timer_is_refused_in_words_and_changes_nothing() {
    let server = Server::start();
    let [alice, _bob] = alice_and_bob(&server).await;
    let sent = alice.says("bob", "hello").await;
    let timer = format!("/api/conversations/{}/timer", sent["conversation"].as_str().unwrap());
    let thousand_years_s = 1_000_u64 * 365 * 24 * 60 * 60;
    let year_s = 365 * 24 * 60 * 60;
    for bad in [
        json!(0),
        json!(4),
        json!(-300),
        json!(thousand_years_s),
        json!(year_s + 1),
        json!(5.5),
        json!(300.0),
        json!("300"),
        json!(true),
        json!([300]),
    ] {
        let (status, refused) = alice.put(&timer, json!({"seconds": bad})).await;
        assert_eq!((status, &refused["code"]), (400, &json!("invalid_request")), "{bad}: {refused}");
        let said = refused["detail"].as_str().unwrap();
        assert!(said.contains("seconds is a whole number from 5 to 31536000, or null"), "{bad}: {said}");
    }
    for bad in [json!({}), json!({"second": 300}), json!({"seconds": 300, "unit": "s"}), json!([300])] {
        assert_eq!(alice.put(&timer, bad.clone()).await.0, 400, "{bad}");
    }
    let plain = alice.0.send(Method::PUT, &timer, Body::from(r#"{"seconds":300}"#)).await;
    assert_eq!(read(&plain).0, 415);
    for nowhere in ["x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let answer = alice.put(&format!("/api/conversations/{nowhere}/timer"), json!({"seconds": 300})).await;
        assert_eq!((answer.0, &answer.1["code"]), (404, &json!("not_found")), "{nowhere}");
    }
    let (_, made) = alice.post("/api/tokens", json!({"name": "reader", "scopes": ["read"]})).await;
    let reader = Program(server.client().with_token(made["token"].as_str().unwrap()));
    assert_eq!(reader.put(&timer, json!({"seconds": 300})).await.0, 403);
    assert_eq!(alice.0.with("content-type", "application/json").get(&timer).await.status.as_u16(), 405);
    assert_eq!(timer_of(&alice).await, Value::Null);
    assert_eq!(alice.put(&timer, json!({"seconds": year_s})).await.0, 200);
    assert_eq!(timer_of(&alice).await, json!(year_s));
}

//! Connections that do nothing, or do it slowly.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{people::Member, process::Server};

/// Reads until the server closes, and says what came and how long it took.
async fn until_closed(stream: &mut TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
        .await
        .expect("the server closes a connection that says nothing")
        .unwrap_or_default();
    (String::from_utf8(answer).unwrap(), start.elapsed())
}

#[tokio::test]
async fn a_head_that_is_never_finished_is_not_waited_for() {
    let server = Server::start_with(&["--header-timeout-s", "1"]);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut halting = TcpStream::connect(server.address).await.unwrap();
    halting.write_all(b"POST /fn/account/prelogin HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    for stream in [&mut silent, &mut halting] {
        let (_, took) = until_closed(stream).await;
        assert!(took < Duration::from_secs(8), "{took:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    let server = Server::start_with(&["--body-timeout-s", "1", "--header-timeout-s", "2"]);
    let mut halting = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /fn/account/prelogin HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    halting.write_all(head.as_bytes()).await.unwrap();
    let (answer, took) = until_closed(&mut halting).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("did not arrive within 1 s"), "{answer}");
    assert!(took < Duration::from_secs(8), "{took:?}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Server::start();
    let mut endless = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "x".repeat(100_000));
    // The server may close before it has read it all.
    let _ = endless.write_all(head.as_bytes()).await;
    let (answer, _) = until_closed(&mut endless).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(server.client().get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_say_nothing_disturb_nobody() {
    let server = Server::start_with(&["--header-timeout-s", "60"]);
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    let mut idle = Vec::new();
    for _ in 0..1_000 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        idle.push(stream);
    }
    let start = Instant::now();
    for count in 1..=20 {
        alice.send("through the crowd", &[&bob]).await.unwrap();
        assert_eq!(bob.mailbox().await.len(), count);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    drop(idle);
}

#[tokio::test]
async fn past_the_cap_connections_are_closed_and_places_come_back() {
    let server = Server::start_with(&["--max-connections", "5", "--header-timeout-s", "30"]);
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(TcpStream::connect(server.address).await.unwrap());
    }
    let mut sixth = TcpStream::connect(server.address).await.unwrap();
    let (answer, took) = until_closed(&mut sixth).await;
    assert_eq!(answer, "");
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(held);
    let start = Instant::now();
    while server.client().try_send(http::Method::GET, "/healthz", axum::body::Body::empty()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5), "the places of those who left are free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

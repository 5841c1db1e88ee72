//! The stream that says a mailbox has grown.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use protocol::{
    account::Logout,
    call::EVENTS_PATH,
    refusal::Code,
    session::{EndOtherSessions, EndSession},
};

use crate::{client::Client, people::Member, process::Server};

/// How long an event may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open stream.
struct Events {
    body: Incoming,
    text: String,
}

impl Events {
    async fn open(client: &Client) -> Self {
        let response = client.open(Method::GET, EVENTS_PATH, Body::empty()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store", "{:?}", response.headers());
        Self { body: response.into_body(), text: String::new() }
    }

    async fn after(client: &Client, cursor: u64) -> Self {
        Self::open(&client.with("last-event-id", &cursor.to_string())).await
    }

    /// The next event; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Told> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("an event comes, or the end")
    }

    async fn read(&mut self) -> Option<Told> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let told = told(event);
                self.text = rest.to_owned();
                match told {
                    Some(told) => return Some(told),
                    // A comment keeps the stream alive.
                    None => continue,
                }
            }
            let frame = self.body.frame().await?.ok()?;
            self.text.push_str(std::str::from_utf8(frame.data_ref()?).unwrap());
        }
    }

    async fn is_quiet(&mut self) -> bool {
        tokio::time::timeout(Duration::from_millis(300), self.read()).await.is_err()
    }
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The mailbox ends here.
    End(u64),
    /// The account's sessions have changed.
    Sessions,
}

fn told(event: &str) -> Option<Told> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    match field("event:")? {
        "mailbox" => {
            assert_eq!(field("id:"), field("data:"));
            Some(Told::End(field("id:").unwrap().parse().unwrap()))
        }
        "sessions" => {
            assert_eq!((field("id:"), field("data:")), (None, Some("{}")));
            Some(Told::Sessions)
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_stream_says_where_the_mailbox_ends_and_nothing_else() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    let mut events = Events::open(&bob.client).await;
    assert!(events.is_quiet().await, "an empty mailbox has nothing to tell");
    alice.send("one", &[&bob]).await.unwrap();
    assert_eq!(events.next().await, Some(Told::End(1)));
    alice.send("two", &[&bob]).await.unwrap();
    assert_eq!(events.next().await, Some(Told::End(2)));
    bob.send("three", &[&alice]).await.unwrap();
    assert_eq!(events.next().await, Some(Told::End(3)), "one's own message is a delivery too");
}

#[tokio::test]
async fn a_stream_takes_up_where_the_last_one_ended() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    for text in ["one", "two", "three"] {
        alice.send(text, &[&bob]).await.unwrap();
    }
    assert_eq!(Events::open(&bob.client).await.next().await, Some(Told::End(3)));
    assert_eq!(Events::after(&bob.client, 1).await.next().await, Some(Told::End(3)));
    let mut events = Events::after(&bob.client, 3).await;
    assert!(events.is_quiet().await, "all of it was seen");
    alice.send("four", &[&bob]).await.unwrap();
    assert_eq!(events.next().await, Some(Told::End(4)));
    let strange = bob.client.with("last-event-id", "yesterday").get(EVENTS_PATH).await;
    assert_eq!(strange.refusal().code, Code::InvalidRequest);
}

#[tokio::test]
async fn a_stream_is_for_those_who_are_signed_in_and_ends_with_their_session() {
    let server = Server::start();
    assert_eq!(server.client().get(EVENTS_PATH).await.refusal().code, Code::NotSignedIn);
    let alice = Member::register("alice", &server.client()).await;
    let foreign = alice.client.with("sec-fetch-site", "cross-site").get(EVENTS_PATH).await;
    assert_eq!(foreign.refusal().code, Code::CrossSite);
    let post = alice.client.post(EVENTS_PATH, "{}").await;
    assert_eq!((post.refusal().code, post.header("allow")), (Code::MethodNotAllowed, Some("GET")));

    let again = server.client().call(alice.person.login()).await.unwrap();
    let other = server.client().with_token(&again.token.unwrap());
    let (mut first, mut second) = (Events::open(&alice.client).await, Events::open(&other).await);
    alice.client.call(Logout {}).await.unwrap();
    assert_eq!(first.next().await, None);
    assert_eq!(second.next().await, Some(Told::Sessions));
    assert!(second.is_quiet().await, "the other session's stream stays");
}

/// Waits for a stream's end; that other sessions came or went may be told before.
async fn ends(stream: &mut Events) {
    while let Some(told) = stream.next().await {
        assert_eq!(told, Told::Sessions);
    }
}

#[tokio::test]
async fn a_session_that_another_one_ends_hears_nothing_more() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let mut here = Events::open(&alice.client).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        let signed_in = server.client().call(alice.person.login()).await.unwrap();
        assert_eq!(here.next().await, Some(Told::Sessions), "a new sign-in is told");
        let client = server.client().with_token(signed_in.token.as_deref().unwrap());
        others.push((signed_in.session, Events::open(&client).await, client));
    }
    let (session, mut stream, client) = others.remove(0);
    alice.client.call(EndSession { session }).await.unwrap();
    ends(&mut stream).await;
    assert_eq!(client.get(EVENTS_PATH).await.refusal().code, Code::NotSignedIn);
    assert_eq!(here.next().await, Some(Told::Sessions));
    alice.client.call(EndOtherSessions {}).await.unwrap();
    for (_, stream, _) in &mut others {
        ends(stream).await;
    }
    assert_eq!(here.next().await, Some(Told::Sessions), "its own stream goes on");
}

#[tokio::test]
async fn the_server_ends_in_time_while_streams_are_open() {
    let mut server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(Events::open(&alice.client).await);
    }
    let (took, was_content) = tokio::task::spawn_blocking(move || server.terminate()).await.unwrap();
    assert!(was_content);
    assert!(took < Duration::from_secs(10), "{took:?}");
    for stream in &mut streams {
        assert_eq!(stream.next().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_soon() {
    let server = Server::start();
    let alice = Member::register("alice", &server.client()).await;
    let bob = Member::register("bob", &server.client()).await;
    let mut events = Events::open(&bob.client).await;
    let mut slowest = Duration::ZERO;
    for cursor in 1..=20 {
        let start = Instant::now();
        alice.send("quick", &[&bob]).await.unwrap();
        assert_eq!(events.next().await, Some(Told::End(cursor)));
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

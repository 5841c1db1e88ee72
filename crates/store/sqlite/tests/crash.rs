//! `kill -9` in the middle of sends: no acknowledged message is lost, and none is there twice.
//!
//! The test runs itself again as a child, which sends and says what was acknowledged; the child is killed while it does.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use protocol::Cursor;
use relay::port::{Delivered, Store};
use store_conformance::{Person, envelope};
use store_sqlite::{Settings, SqliteStore};

const DATABASE: &str = "SECURE_MESSAGING_TEST_CRASH_DATABASE";
const FIRST: &str = "SECURE_MESSAGING_TEST_CRASH_FIRST";
const SENDERS: u16 = 8;
const ROUNDS: u32 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_message_is_lost_and_none_is_there_twice() {
    if let Ok(database) = std::env::var(DATABASE) {
        return send_until_killed(Path::new(&database), std::env::var(FIRST).unwrap().parse().unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let people: Vec<Person> = (0..SENDERS).map(Person).collect();
    {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, Settings::default()).await.unwrap());
        for person in &people {
            person.registered(&store).await;
        }
    }
    let mut acknowledged: Vec<(u16, u32, u64)> = Vec::new();
    for round in 0..ROUNDS {
        // Another moment each time: after so many acknowledgements, and then at once.
        let enough = 40 + 37 * round as usize;
        acknowledged.extend(kill_after(&path, round * 100_000, enough));
        check(&path, &people, &acknowledged).await;
    }
    assert!(acknowledged.len() >= 5 * 40);
}

fn kill_after(path: &Path, first: u32, enough: usize) -> Vec<(u16, u32, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_acknowledged_message_is_lost_and_none_is_there_twice", "--nocapture"])
        .env(DATABASE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut acknowledged: Vec<_> = lines.by_ref().filter_map(|line| parse(&line)).take(enough).collect();
    // SIGKILL: the child gets no chance to finish anything.
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(lines.filter_map(|line| parse(&line)));
    assert!(acknowledged.len() >= enough, "the child did not get that far");
    acknowledged
}

/// `sent <sender> <number> <the sender's cursor> .`; a line that was cut off by the kill is none.
fn parse(line: &str) -> Option<(u16, u32, u64)> {
    let words: Vec<&str> = line.rsplit_once("sent ")?.1.split(' ').collect();
    let [sender, number, cursor, "."] = words.as_slice() else { return None };
    Some((sender.parse().ok()?, number.parse().ok()?, cursor.parse().ok()?))
}

async fn send_until_killed(path: &Path, first: u32) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, Settings::default()).await.unwrap());
    let people: Vec<Person> = (0..SENDERS).map(Person).collect();
    let senders = people.iter().map(|sender| {
        let (store, sender, people) = (Arc::clone(&store), *sender, people.clone());
        tokio::spawn(async move {
            for number in first.. {
                let Delivered::Stored(places) =
                    store.deliver(envelope(sender, number, &people)).await.unwrap()
                else {
                    panic!("each number is sent once");
                };
                let (_, cursor) = places.iter().find(|(account, _)| *account == sender.account()).unwrap();
                let line = format!("sent {} {number} {cursor} .\n", sender.0);
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    futures::future::join_all(senders).await;
}

async fn check(path: &Path, people: &[Person], acknowledged: &[(u16, u32, u64)]) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(path, Settings::default()).await.unwrap());
    let mut mailboxes = Vec::new();
    for person in people {
        let page = store.page(person.account(), Cursor::START, u32::MAX, usize::MAX).await.unwrap();
        assert!(page.items.iter().map(|item| item.cursor.0).eq(1..=page.end.0), "no gap");
        mailboxes.push(page.items.into_iter().map(|item| item.shared.0).collect::<Vec<_>>());
    }
    assert!(
        mailboxes.windows(2).all(|pair| pair[0] == pair[1]),
        "an envelope is with everyone or with nobody"
    );

    let mut places: HashMap<&[u8], u64> = HashMap::new();
    for (shared, place) in mailboxes[0].iter().zip(1..) {
        assert_eq!(places.insert(shared, place), None, "none is there twice");
    }
    for (sender, number, cursor) in acknowledged {
        let shared = envelope(Person(*sender), *number, &[]).shared;
        assert_eq!(
            places.get(shared.as_slice()),
            Some(cursor),
            "message {number} of {sender} is where it was said"
        );
    }
}

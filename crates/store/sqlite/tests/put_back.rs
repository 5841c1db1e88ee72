//! A copy of the database that is put back hands out no one-time prekey that may have served since; a database that was only
//! closed, or lost its process, hands out what it has.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{fs, path::Path, sync::Arc};

use relay::port::{NewPrekeys, Prekeys, PublishOutcome, Store};
use store_conformance::Person;
use store_sqlite::{OlderSchema, Settings, SqliteStore};

const BOB: Person = Person(1);

async fn opened(path: &Path) -> SqliteStore {
    SqliteStore::open(path, Settings::default()).await.unwrap()
}

async fn closed(store: SqliteStore) {
    store.close().await;
}

/// A database with ten prekeys of Bob's.
async fn made(path: &Path) -> SqliteStore {
    let store = opened(path).await;
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    BOB.registered(&shared).await;
    let new = NewPrekeys {
        identity: BOB.identity().public().fingerprint(),
        signed: None,
        one_time: BOB.one_time_prekeys(1..=10),
        replace: false,
        device: None,
        at_ms: 1_790_000_000_000,
        published_after_ms: 0,
        room: 100,
    };
    assert_eq!(store.publish_prekeys(BOB.account(), new).await.unwrap(), PublishOutcome::Done);
    store
}

/// How many there are to hand out, and the last that was ever published.
async fn left(store: &SqliteStore) -> (u32, u32) {
    let status = store.prekey_status(BOB.account(), None, protocol::Cursor::START, 0).await.unwrap().unwrap();
    (status.one_time_left, status.last_one_time)
}

#[tokio::test]
async fn a_database_that_goes_on_keeps_its_prekeys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    closed(made(&path).await).await;
    let store = opened(&path).await;
    assert_eq!(left(&store).await, (10, 10));
    // The process dies: nothing is closed in order.
    drop(store);
    for _ in 0..3 {
        let store = opened(&path).await;
        assert_eq!(left(&store).await, (10, 10));
        // Somebody who looks in beside it does not count.
        let beside = Settings { older_schema: OlderSchema::Refuse, ..Settings::default() };
        let beside = SqliteStore::open(&path, beside).await.unwrap();
        assert_eq!(left(&beside).await, (10, 10));
        closed(beside).await;
        closed(store).await;
    }
}

#[tokio::test]
async fn a_copy_that_is_put_back_in_its_place_hands_out_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    closed(made(&path).await).await;
    let copy = folder.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    closed(opened(&path).await).await;
    fs::copy(&copy, &path).unwrap();
    let store = opened(&path).await;
    assert_eq!(left(&store).await, (0, 10), "their numbers are not given once more");
    closed(store).await;
    let store = opened(&path).await;
    assert_eq!(left(&store).await, (0, 10));
}

#[tokio::test]
async fn a_copy_that_is_put_into_an_empty_folder_hands_out_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    closed(made(&path).await).await;
    let elsewhere = folder.path().join("elsewhere.db");
    fs::copy(&path, &elsewhere).unwrap();
    assert_eq!(left(&opened(&elsewhere).await).await, (0, 10));
    // Nor does one whose file beside it says nothing.
    fs::write(folder.path().join("relay.db-age"), [0xff; 9]).unwrap();
    assert_eq!(left(&opened(&path).await).await, (0, 10));
}

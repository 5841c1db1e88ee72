//! A copy of the database that is put back hands out no one-time prekey that may have served since; a database that was only
//! closed, or lost its process, hands out what it has.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{fs, path::Path, sync::Arc};

use relay::port::{NewPrekeys, PASSED_OVER, Prekeys, PublishOutcome, Store};
use sqlx::{ConnectOptions, Connection, Executor, query, sqlite::SqliteConnectOptions};
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
    assert_eq!(left(&store).await, (0, 10 + PASSED_OVER), "no number is given once more");
    closed(store).await;
    let store = opened(&path).await;
    assert_eq!(left(&store).await, (0, 10 + PASSED_OVER));
}

#[tokio::test]
async fn a_copy_that_is_put_into_an_empty_folder_hands_out_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    closed(made(&path).await).await;
    let elsewhere = folder.path().join("elsewhere.db");
    fs::copy(&path, &elsewhere).unwrap();
    assert_eq!(left(&opened(&elsewhere).await).await, (0, 10 + PASSED_OVER));
    // Nor does one whose file beside it says nothing.
    fs::write(folder.path().join("relay.db-age"), [0xff; 9]).unwrap();
    assert_eq!(left(&opened(&path).await).await, (0, 10 + PASSED_OVER));
}

/// Ten more are published within the minute; then nothing for a day, and the server is stopped in order.
#[tokio::test]
async fn a_copy_from_the_last_minute_of_a_server_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = made(&path).await;
    let copy = folder.path().join("copy.db");
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    query("vacuum into ?1").bind(copy.to_str().unwrap()).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    closed(store).await;
    fs::copy(&copy, &path).unwrap();
    assert_eq!(left(&opened(&path).await).await, (0, 10 + PASSED_OVER));
}

/// A copy from before the update that began to count: the file beside it says that it is one.
#[tokio::test]
async fn a_copy_of_before_anything_was_counted_hands_out_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    closed(made(&path).await).await;
    // As the earlier version left it.
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    connection.execute("drop table database_age").await.unwrap();
    connection.execute("delete from _sqlx_migrations where version = 20261128000004").await.unwrap();
    connection.close().await.unwrap();
    fs::remove_file(folder.path().join("relay.db-age")).unwrap();
    let copy = folder.path().join("copy.db");
    fs::copy(&path, &copy).unwrap();
    // After the update its prekeys serve. Then the copy is put back.
    let store = opened(&path).await;
    assert_eq!(left(&store).await, (10, 10));
    closed(store).await;
    fs::copy(&copy, &path).unwrap();
    assert_eq!(left(&opened(&path).await).await, (0, 10 + PASSED_OVER));
}

#[tokio::test]
async fn a_file_of_somebody_else_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let theirs = folder.path().join("relay.new");
    fs::write(&theirs, "the operator's own").unwrap();
    closed(opened(&path).await).await;
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "the operator's own");
}

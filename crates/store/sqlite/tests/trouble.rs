//! Disks that are full, databases that are locked, files that are of another time: nothing is half-written, and what
//! happened is said by its name.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use protocol::{Code, Cursor, Refusal};
use relay::port::{Delivered, Mailbox, Sessions, Store, StoreError};
use sqlx::{Connection, SqliteConnection, migrate::Migrator, sqlite::SqliteConnectOptions};
use store_conformance::{Person, envelope};
use store_sqlite::{CannotOpenStore, Settings, SqliteStore};

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

async fn opened(path: &Path, settings: Settings) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, settings).await.unwrap())
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/relay.db");
    let [alice, bob] = [Person(1), Person(2)];
    {
        let store = SqliteStore::open(&path, Settings::default()).await.unwrap();
        let shared: Arc<dyn Store> = Arc::new(store.clone());
        alice.registered(&shared).await;
        bob.registered(&shared).await;
        store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap();
        drop(shared);
        store.close().await;
    }
    // Closed in order, the database is one file: whoever copies only that one loses nothing.
    assert!(!path.with_extension("db-wal").exists(), "the write-ahead log was moved into the database");
    let store = opened(&path, Settings::default()).await;
    let page = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!((page.items.len(), page.end), (1, Cursor(1)));
    assert!(store.find_session(alice.session()).await.unwrap().is_some());
    let again = store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(_)));
    let Delivered::Stored(places) = store.deliver(envelope(alice, 1, &[alice, bob])).await.unwrap() else {
        panic!("a new one");
    };
    assert!(places.iter().all(|(_, cursor)| *cursor == Cursor(2)));
}

#[tokio::test]
async fn the_file_is_its_users_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/relay.db");
    let store = opened(&path, Settings::default()).await;
    Person(1).registered(&store).await;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["relay.db", "relay.db-wal", "relay.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_and_leaves_nothing_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let settings = Settings { max_bytes: Some(400_000), ..Settings::default() };
    let store = opened(&path, settings).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    let mut stored = Vec::new();
    let error = loop {
        let number = stored.len() as u32;
        match store.deliver(envelope(alice, number, &[alice, bob])).await {
            Ok(outcome) => stored.push(outcome),
            Err(error) => break error,
        }
        assert!(stored.len() < 1_000, "the file grew past its limit");
    };
    assert!(matches!(error, StoreError::DiskFull), "{error:?}");
    let refusal = Refusal::from(error);
    assert_eq!((refusal.code, refusal.code.status()), (Code::StoreUnavailable, 503));
    assert!(refusal.retry_after_s.is_some());

    // Many at once fail the same way, each with its own answer.
    let tries = (0..20).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.deliver(envelope(bob, 5_000 + number, &[alice, bob])).await })
    });
    for outcome in futures::future::join_all(tries).await {
        assert!(matches!(outcome.unwrap(), Err(StoreError::DiskFull)));
    }
    for person in [alice, bob] {
        let page = store.page(person.account(), Cursor::START, 1_000, usize::MAX).await.unwrap();
        assert_eq!((page.items.len(), page.end.0), (stored.len(), stored.len() as u64));
    }
    store.touch_session(alice.session(), 7).await.expect("what needs no room is still written");
    drop(store);

    let store = opened(&path, Settings::default()).await;
    let Delivered::Stored(places) = store.deliver(envelope(alice, 9_000, &[alice, bob])).await.unwrap()
    else {
        panic!("there is room again");
    };
    assert!(places.iter().all(|(_, cursor)| cursor.0 == stored.len() as u64 + 1), "no gap is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_is_told_by_its_name_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let settings = Settings { busy_timeout: Duration::from_millis(50), ..Settings::default() };
    let store = opened(&path, settings).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];

    let mut other = raw(&path).await;
    let lock = other.begin_with("begin immediate").await.unwrap();
    let tries = (0..100).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.deliver(envelope(alice, number, &[alice, bob])).await })
    });
    // All that wait together are answered together: one after the other would take 100 times as long.
    let tries = tokio::time::timeout(Duration::from_secs(2), futures::future::join_all(tries)).await.unwrap();
    for outcome in tries {
        let error = outcome.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Locked), "{error:?}");
        assert_eq!(Refusal::from(error).code, Code::StoreUnavailable);
    }
    let page = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!(page.end, Cursor(0), "reading goes on");
    lock.rollback().await.unwrap();
    assert!(matches!(store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap(), Delivered::Stored(_)));
}

#[tokio::test]
async fn a_row_that_does_not_read_back_names_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path, Settings::default()).await;
    let alice = Person(1).registered(&store).await;
    sqlx::query("update accounts set kdf = x'00'").execute(&mut raw(&path).await).await.unwrap();
    let error = store.find_session(alice.session()).await.unwrap_err();
    assert_eq!(error.to_string(), "the table accounts holds a row that cannot be read: has the wrong length");
    assert_eq!(Refusal::from(error).code, Code::Internal);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let text = "This is not a database, but it is long enough to look for the header of one. ".repeat(20);
    std::fs::write(&path, &text).unwrap();
    let error = SqliteStore::open(&path, Settings::default()).await.unwrap_err();
    assert!(matches!(error, CannotOpenStore::Store(_)), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "it is as it was");
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("relay.db"), Settings::default()).await.unwrap();
    store.clone().close().await;
    let error = store.deliver(envelope(Person(1), 0, &[Person(1), Person(2)])).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed), "{error:?}");
    let error = store.find_session(Person(1).session()).await.unwrap_err();
    assert!(matches!(error, StoreError::Closed), "{error:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    drop(opened(&path, Settings::default()).await);
    let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (20991231000001, 'of tomorrow', true, x'00', 0)";
    sqlx::query(newer).execute(&mut raw(&path).await).await.unwrap();
    let error = SqliteStore::open(&path, Settings::default()).await.unwrap_err();
    assert!(matches!(error, CannotOpenStore::NewerSchema { step: 20991231000001 }), "{error}");
    assert!(error.to_string().contains("start the newer server"), "{error}");
}

#[tokio::test]
async fn a_changed_step_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    drop(opened(&path, Settings::default()).await);
    let changed = "update _sqlx_migrations set checksum = x'00' where version = 20261101000001";
    sqlx::query(changed).execute(&mut raw(&path).await).await.unwrap();
    let error = SqliteStore::open(&path, Settings::default()).await.unwrap_err();
    assert!(matches!(error, CannotOpenStore::ForeignSchema { step: 20261101000001 }), "{error}");
}

/// A database as an earlier version left it: only the first steps were made.
#[tokio::test]
async fn a_copy_is_made_before_the_schema_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let first_steps: Vec<_> = MIGRATIONS.iter().take(3).cloned().collect();
    let mut connection =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path).create_if_missing(true))
            .await
            .unwrap();
    Migrator::with_migrations(first_steps).run(&mut connection).await.unwrap();
    connection.close().await.unwrap();

    let store = opened(&path, Settings::default()).await;
    Person(1).registered(&store).await;
    let copy = folder.path().join("relay.db.before-20261101000003");
    let tables: Vec<String> =
        sqlx::query_scalar("select name from sqlite_schema where type = 'table' order by name")
            .fetch_all(&mut raw(&copy).await)
            .await
            .unwrap();
    assert_eq!(tables, ["_sqlx_migrations", "accounts", "published_keys", "sessions", "vault_rows"]);
    assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);

    drop(store);
    std::fs::remove_file(&copy).unwrap();
    drop(opened(&path, Settings::default()).await);
    assert!(!copy.exists(), "nothing was to be done, so nothing was copied");
}

/// Once released, a step is never changed: databases out there were made by it. A new step adds a line here.
#[test]
fn released_steps_of_the_schema_are_as_they_were() {
    let steps: Vec<String> = MIGRATIONS
        .iter()
        .map(|step| {
            let checksum: String = step.checksum[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} {} {checksum}", step.version, step.description)
        })
        .collect();
    assert_eq!(steps, RELEASED);
}

const RELEASED: [&str; 17] = [
    "20261101000001 accounts de066ddba0083a72",
    "20261101000002 sessions 6fc03dafca469e41",
    "20261101000003 vault rows 20c757278d3e1541",
    "20261101000004 mailboxes 4dfcb9311a458462",
    "20261125000001 account settings f187ceb73714f05d",
    "20261125000002 deleted accounts 99c44163dc0ec11c",
    "20261125000003 second factors 70f4828cf2f4e5f3",
    "20261125000004 resets ddc0cfe4c92b66a0",
    "20261125000005 email wishes 2bfae4cb561189b4",
    "20261125000006 mails 450e11d3e9aa0b3f",
    "20261125000007 invites a6329325c0772950",
    "20261125000008 counters 3856540eab108812",
    "20261125000009 sealed vaults 713dc44458893a6b",
    "20261128000001 devices cfc2ee939d74477d",
    "20261128000002 prekeys 5fcabdf9769ab509",
    "20261128000003 archive 59e2901980db649b",
    "20261128000004 age 54792ff5a16dfe7a",
];

//! What was erased is nowhere any more: not in the rows, not in the pages of the file, not in the write-ahead log.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use crypto::id::EpochId;
use protocol::{
    Binary, Cursor,
    mailbox::{ArchivedKey, ArchivedPlace},
    vault::{Row, VaultKind},
};
use relay::port::{Delivered, NewEnvelope, Store, VaultRoom};
use sqlx::{Connection, SqliteConnection, query, query_scalar, sqlite::SqliteConnectOptions};
use store_conformance::{Person, envelope};
use store_sqlite::{Settings, SqliteStore};

const NOW_MS: u64 = 1_790_000_000_000;

async fn opened(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, Settings::default()).await.unwrap())
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path)).await.unwrap()
}

/// The bytes that each envelope still shares, and each place holds, in the order in which they were sent.
async fn contents(path: &Path) -> (Vec<i64>, Vec<i64>) {
    let mut connection = raw(path).await;
    let shared = query_scalar("select length(shared) from envelopes order by envelope");
    let held = query_scalar(
        "select   length(seal) + coalesce(length(epoch) + length(archived), 0)
         from     deliveries
         order by account, cursor",
    );
    (shared.fetch_all(&mut connection).await.unwrap(), held.fetch_all(&mut connection).await.unwrap())
}

/// Bytes that stand nowhere else.
fn canary(of: &str, number: u32) -> Vec<u8> {
    format!("{of} {CANARY}{number:06}").into_bytes()
}

const CANARY: &str = "canary ";

/// An envelope that disappears, full of its canaries.
fn marked(sender: Person, number: u32, recipients: &[Person], expires_at_ms: Option<u64>) -> NewEnvelope {
    let mut marked = NewEnvelope { expires_at_ms, ..envelope(sender, number, recipients) };
    // Small and large: within one page, and over several.
    let times = [3, 40, 700][number as usize % 3];
    marked.shared = canary("shared", number).repeat(times);
    for delivery in &mut marked.deliveries {
        delivery.seal = canary("seal", number).repeat(70);
    }
    marked
}

/// The canaries that are found in the database or in its log.
fn found(path: &Path) -> BTreeSet<(&'static str, u32)> {
    let mut found = BTreeSet::new();
    for file in [path.to_owned(), path.with_extension("db-wal")] {
        let content = std::fs::read(file).unwrap();
        let content = String::from_utf8_lossy(&content);
        for (at, _) in content.match_indices(CANARY) {
            let number = content[at + CANARY.len()..].get(..6).and_then(|digits| digits.parse().ok());
            let of = if content[..at].ends_with("shared ") { "shared" } else { "seal" };
            found.extend(number.map(|number| (of, number)));
        }
    }
    found
}

/// Whose canaries are found, of the shared part and of a seal alike.
fn left(path: &Path) -> BTreeSet<u32> {
    let found = found(path);
    let of = |of: &str| found.iter().filter(|(canary, _)| *canary == of).map(|(_, number)| *number).collect();
    let (shared, seals): (BTreeSet<u32>, BTreeSet<u32>) = (of("shared"), of("seal"));
    assert_eq!(shared, seals);
    shared
}

#[tokio::test]
async fn the_content_goes_with_the_last_who_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    let mut messages = Vec::new();
    for number in 0..4 {
        let sent = NewEnvelope { expires_at_ms: Some(NOW_MS), ..envelope(alice, number, &[alice, bob]) };
        messages.push(sent.message);
        assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
    }
    let key = ArchivedKey { epoch: EpochId::from_bytes([1; 16]), sealed: Binary(vec![1; 60]) };
    let place = ArchivedPlace { cursor: Cursor(1), message: messages[0], key };
    store.archive(bob.account(), vec![place]).await.unwrap();
    let seal = envelope(alice, 0, &[bob]).deliveries[0].seal.len() as i64;
    assert_eq!(contents(&path).await, (vec![700; 4], vec![seal, seal, seal, seal, 76, seal, seal, seal]));

    store.erase(bob.account(), messages[..2].to_vec(), false).await.unwrap();
    assert_eq!(contents(&path).await, (vec![700; 4], vec![seal, seal, seal, seal, 0, 0, seal, seal]));
    store.erase(alice.account(), messages[..1].to_vec(), false).await.unwrap();
    assert_eq!(contents(&path).await.0, [0, 700, 700, 700]);
    store.erase(alice.account(), messages[2..3].to_vec(), true).await.unwrap();
    assert_eq!(contents(&path).await, (vec![0, 700, 0, 700], vec![0, seal, 0, seal, 0, 0, 0, seal]));
    assert!(store.delete_account(alice.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(contents(&path).await, (vec![0, 0, 0, 700], vec![0, 0, 0, seal]), "bob had erased one");
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 1, "the others are gone already");
    assert_eq!(contents(&path).await, (vec![0; 4], vec![0; 4]));
}

/// Neither in the database nor in its log; what stays, stays whole. Messages come and go in any order, so that pages are
/// filled, emptied, joined and used again.
#[tokio::test]
async fn no_byte_of_what_was_erased_is_left_in_the_files() {
    const MESSAGES: u32 = 300;
    const STEPS: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    // Each expires after so many others: in no order.
    let expires_after = |number: u32| 1 + number * 7_919 % MESSAGES;
    let mut expected: BTreeSet<u32> = (0..MESSAGES).collect();
    for number in 0..MESSAGES {
        let expires_at_ms = NOW_MS + u64::from(expires_after(number));
        let sent = marked(alice, number, &[alice, bob], Some(expires_at_ms));
        assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
    }
    assert_eq!(left(&path), expected);
    for step in 1..=STEPS {
        let past = MESSAGES / STEPS * step;
        let erased = store.erase_expired(NOW_MS + u64::from(past), 1_000).await.unwrap();
        assert_eq!(erased, (MESSAGES / STEPS) as usize);
        expected.retain(|number| *number >= MESSAGES || expires_after(*number) > past);
        assert_eq!(left(&path), expected);
        let sent = marked(bob, MESSAGES + step, &[alice, bob], None);
        assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
        expected.insert(MESSAGES + step);
    }
    let page = store.page(bob.account(), Cursor(MESSAGES.into()), 1_000, usize::MAX).await.unwrap();
    assert_eq!(page.items.len(), STEPS as usize);
    for (item, step) in page.items.iter().zip(1..) {
        let sent = marked(bob, MESSAGES + step, &[bob], None);
        assert_eq!((&item.shared.0, &item.seal.0), (&sent.shared, &sent.deliveries[0].seal));
    }
}

/// What was erased by hand goes from the log with the next that expire, even if none do.
#[tokio::test]
async fn the_log_is_emptied_after_whatever_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let log = folder.path().join("relay.db-wal");
    let log_length = || std::fs::metadata(&log).unwrap().len();
    let [alice, bob] = [Person(1), Person(2)];
    let store = opened(&path).await;
    for person in [alice, bob] {
        person.registered(&store).await;
    }
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 0);
    assert_eq!(log_length(), 0, "whatever an earlier process left there");
    for number in 0..3 {
        let sent = marked(alice, number, &[alice, bob], None);
        assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
    }
    let written = log_length();
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 0);
    assert_eq!(log_length(), written, "nothing was erased");

    let first = marked(alice, 0, &[], None).message;
    store.erase(alice.account(), vec![first], true).await.unwrap();
    assert!(left(&path).contains(&0), "it is in the log still");
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 0);
    assert_eq!(log_length(), 0);
    assert_eq!(left(&path), [1, 2].into());
    for person in [alice, bob] {
        assert!(store.delete_account(person.proven(), NOW_MS).await.unwrap().is_some());
    }
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 0);
    assert_eq!(left(&path), [].into(), "what a deleted account had");
}

/// A backup, say. Those who write do not wait for it to end; the log is emptied at the next time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_in_the_way_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    let sent = marked(alice, 0, &[alice, bob], Some(NOW_MS));
    assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
    let mut reader = raw(&path).await;
    let mut reading = reader.begin().await.unwrap();
    query("select count(*) from envelopes").fetch_one(&mut *reading).await.unwrap();

    let erasing = store.erase_expired(NOW_MS, 10);
    let erased = tokio::time::timeout(Duration::from_secs(3), erasing).await.expect("it does not wait long");
    assert_eq!(erased.unwrap(), 1, "it is erased all the same");
    assert_eq!(left(&path), [0].into(), "but the reader still sees it");
    let sent = marked(alice, 1, &[alice, bob], None);
    assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)), "and others write");
    reading.rollback().await.unwrap();
    assert_eq!(store.erase_expired(NOW_MS, 10).await.unwrap(), 0);
    assert_eq!(left(&path), [1].into());
}

/// A row of a vault held keys that have died since, and the seal of a message was archived: what stood there is nowhere any more
/// a minute later, though nobody has erased a message.
#[tokio::test(flavor = "current_thread")]
async fn what_was_written_over_leaves_the_log_within_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    store.erase_expired(NOW_MS, 10).await.unwrap();
    let row = |version, number| Row {
        kind: VaultKind::OneTimePrekeys,
        key_id: Binary(vec![1; 32]),
        version,
        sealed: Binary(canary("shared", number).repeat(90)),
    };
    let room = VaultRoom { rows: 100, bytes: 100_000 };
    store.put_vault_row(alice.account(), row(1, 1), 0, room).await.unwrap();
    store.put_vault_row(alice.account(), row(2, 2), 1, room).await.unwrap();
    let mut sent = envelope(alice, 0, &[alice, bob]);
    sent.deliveries.iter_mut().for_each(|delivery| delivery.seal = canary("seal", 3).repeat(70));
    let message = sent.message;
    assert!(matches!(store.deliver(sent).await.unwrap(), Delivered::Stored(_)));
    for person in [alice, bob] {
        let key = ArchivedKey { epoch: EpochId::from_bytes([1; 16]), sealed: Binary(vec![1; 60]) };
        store
            .archive(person.account(), vec![ArchivedPlace { cursor: Cursor(1), message, key }])
            .await
            .unwrap();
    }
    store.erase_expired(NOW_MS, 10).await.unwrap();
    assert!(found(&path).contains(&("shared", 1)), "that would be dear for each of them");
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    store.erase_expired(NOW_MS, 10).await.unwrap();
    assert_eq!(found(&path), BTreeSet::from([("shared", 2)]));
}

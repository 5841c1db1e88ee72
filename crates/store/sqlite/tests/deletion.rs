//! What stays in the file of an account that was deleted: its name, the log of its devices, and nothing else.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{path::Path, sync::Arc, time::Duration};

use crypto::{
    device::{DeviceKey, DeviceSeed},
    device_log::{Change, DeviceLog},
    id::DeviceId,
};
use relay::port::{
    Delivered, LogOutcome, Mailbox, NewLogEntry, NewPrekeys, PublishOutcome, RedeemedKeys, Redemption, Store,
};
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

/// The bytes that each envelope still shares, in the order in which they were sent.
async fn contents(path: &Path) -> Vec<i64> {
    query_scalar("select length(shared) from envelopes order by envelope")
        .fetch_all(&mut raw(path).await)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_envelope_that_nobody_has_any_more_loses_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob, carol] = [Person(1), Person(2), Person(3)];
    for person in [alice, bob, carol] {
        person.registered(&store).await;
    }
    for (number, recipients) in [&[alice][..], &[alice, bob], &[alice, bob, carol]].into_iter().enumerate() {
        let sent = store.deliver(envelope(alice, number as u32, recipients)).await.unwrap();
        assert!(matches!(sent, Delivered::Stored(_)));
    }
    assert!(store.delete_account(alice.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(contents(&path).await, [0, 700, 700]);
    assert!(store.delete_account(bob.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(contents(&path).await, [0, 0, 700]);
    let again = store.deliver(envelope(alice, 0, &[carol])).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(_)), "that it was sent is known for ever");
    assert!(store.delete_account(carol.proven(), NOW_MS).await.unwrap().is_some());
    assert_eq!(contents(&path).await, [0, 0, 0]);
}

/// Every table that has a column for an account, also those of later steps. Device logs stay, by which others check what
/// they have of it.
#[tokio::test]
async fn no_table_but_those_that_must_names_a_deleted_account() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = opened(&path).await;
    let [alice, bob] = [Person(1).registered(&store).await, Person(2).registered(&store).await];
    let hashes = [1u8, 2, 3].map(|byte| crypto::id::TokenHash::from_bytes([byte; 32]));
    let account = alice.account();
    store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap();
    let (registered, session) = alice.registration();
    assert!(store.arm_reset(account, hashes[0], NOW_MS).await.unwrap());
    let redemption = Redemption {
        token: hashes[0],
        account,
        wraps: relay::port::NewWraps {
            kdf: registered.kdf,
            password_hash: registered.password_hash.clone(),
            sealed_wrap: registered.sealed_wrap,
        },
        keys: RedeemedKeys::Replace {
            wrapped_by_recovery_key: registered.wrapped_by_recovery_key,
            identity: registered.identity,
            prekey: registered.prekey,
            vault: registered.vault,
        },
        at_ms: NOW_MS,
    };
    assert!(store.redeem_reset(redemption).await.unwrap().is_some());
    let expired = relay::port::Expiry { created_before_ms: 0, seen_before_ms: 0 };
    assert!(store.begin_session(session, expired, registered.password_hash).await.unwrap().is_some());
    assert!(store.begin_totp(alice.proven(), b"secret".to_vec()).await.unwrap());
    assert!(store.enable_totp(account, b"secret".to_vec(), 1, vec![hashes[1]], NOW_MS).await.unwrap());
    assert!(store.arm_reset(account, hashes[0], NOW_MS).await.unwrap());
    assert!(store.wish_email(alice.proven(), Some(bob.email()), NOW_MS).await.unwrap());
    assert!(store.arm_email(account, hashes[2], NOW_MS).await.unwrap().is_some());
    let new = NewPrekeys {
        identity: alice.identity().public().fingerprint(),
        signed: None,
        one_time: alice.one_time_prekeys(1..=2),
        replace: false,
        device: None,
        at_ms: NOW_MS,
        published_after_ms: 0,
        room: 2,
    };
    assert_eq!(store.publish_prekeys(account, new).await.unwrap(), PublishOutcome::Done);
    let mut log = DeviceLog::empty(account, alice.identity().public());
    let key = DeviceKey::from_seed(&DeviceSeed::from_bytes(&[1; 32])).public();
    let added = Change::Added(DeviceId::from_bytes([1; 16]), key);
    let new = NewLogEntry {
        account,
        identity: alice.identity().public().fingerprint(),
        entry: log.append(added, NOW_MS, &alice.identity()).unwrap(),
        session: alice.session(),
    };
    assert_eq!(store.append_log(new).await.unwrap(), LogOutcome::Done(Vec::new()));

    let mut connection = raw(&path).await;
    let tables: Vec<String> = query_scalar(
        "select   schema.name
         from     sqlite_schema as schema join pragma_table_info(schema.name) as info
         where    schema.type = 'table' and info.name = 'account'
         order by schema.name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut naming = async || {
        let mut naming = Vec::new();
        for table in &tables {
            let statement = format!("select count(*) from {table} where account = ?1");
            let rows: i64 = query_scalar(sqlx::AssertSqlSafe(statement))
                .bind(account.to_bytes().to_vec())
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if rows > 0 {
                naming.push(table.as_str());
            }
        }
        naming
    };
    let before: Vec<&str> =
        tables.iter().map(String::as_str).filter(|table| *table != "deleted_accounts").collect();
    assert_eq!(naming().await, before, "the account has something of everything");
    let ended = store.delete_account(alice.proven(), NOW_MS).await.unwrap();
    assert_eq!(ended, Some(vec![alice.session()]));
    assert_eq!(naming().await, ["deleted_accounts", "device_logs"]);

    let dangling = query("pragma foreign_key_check").fetch_all(&mut connection).await.unwrap();
    assert!(dangling.is_empty());
    let left: (String, i64) = sqlx::query_as("select username, deleted_at_ms from deleted_accounts")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, (alice.name(), NOW_MS as i64));
}

/// Each envelope of a long life asks who else has it: that must be looked up, not searched for.
#[tokio::test]
async fn a_long_life_is_deleted_in_seconds() {
    const MESSAGES: i64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let store = SqliteStore::open(&path, Settings::default()).await.unwrap();
    let shared: Arc<dyn Store> = Arc::new(store.clone());
    let [alice, bob] = [Person(1).registered(&shared).await, Person(2).registered(&shared).await];
    let mut connection = raw(&path).await;
    let mut transaction = connection.begin().await.unwrap();
    query(
        "with recursive numbers (number) as (
             values (1) union all select number + 1 from numbers where number < ?2
         )
         insert into envelopes (message, hash, sender, sender_cursor, received_at_ms, shared)
         select randomblob(16), randomblob(32), ?1, number, 1, randomblob(500) from numbers",
    )
    .bind(alice.account().to_bytes().to_vec())
    .bind(MESSAGES)
    .execute(&mut *transaction)
    .await
    .unwrap();
    for (person, every) in [(alice, 1), (bob, 2)] {
        query(
            "insert into deliveries (account, cursor, envelope, seal)
             select ?1, envelope / ?2, envelope, randomblob(80) from envelopes where envelope % ?2 = 0",
        )
        .bind(person.account().to_bytes().to_vec())
        .bind(every)
        .execute(&mut *transaction)
        .await
        .unwrap();
    }
    query("update mailboxes set mailbox_end = (select count(*) from deliveries where account = mailboxes.account)")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();

    let deletion = shared.delete_account(alice.proven(), NOW_MS);
    let deleted = tokio::time::timeout(Duration::from_secs(20), deletion).await.expect("it is looked up");
    assert!(deleted.unwrap().is_some());
    let contents = contents(&path).await;
    assert_eq!(contents.iter().filter(|length| **length == 0).count() as i64, MESSAGES / 2);
    let page = store.page(bob.account(), protocol::Cursor::START, 200, usize::MAX).await.unwrap();
    assert_eq!(page.items.len(), 200);
    assert!(page.items.iter().all(|item| item.shared.0.len() == 500));
}

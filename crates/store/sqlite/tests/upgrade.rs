//! A database of an earlier version: what stands in it is there afterwards, and what is new has sensible values.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{path::Path, sync::Arc};

use crypto::id::EpochId;
use protocol::{
    Binary, Cursor,
    mailbox::{ArchivedKey, ArchivedPlace},
};
use relay::port::{Delivered, Registered, Store};
use sqlx::{Connection, SqliteConnection, migrate::Migrator, query, sqlite::SqliteConnectOptions};
use store_conformance::{Person, envelope};
use store_sqlite::{Settings, SqliteStore};

static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

/// The steps of the first version.
const FIRST_VERSION: usize = 4;
/// The steps of the version before devices and prekeys.
const WITHOUT_DEVICES: usize = 13;
const BORN_AT_MS: u64 = 1_790_000_000_000;

/// A database as the first version left it.
async fn of_the_first_version(path: &Path) -> SqliteConnection {
    of_steps(path, FIRST_VERSION).await
}

async fn of_steps(path: &Path, count: usize) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let steps: Vec<_> = MIGRATIONS.iter().take(count).cloned().collect();
    Migrator::with_migrations(steps).run(&mut connection).await.unwrap();
    connection
}

/// Writes what the first version wrote at a registration.
async fn registered(connection: &mut SqliteConnection, person: Person, email: Option<&str>) {
    let (account, session) = person.registration();
    let id = account.account.to_bytes().to_vec();
    query(
        "insert into accounts (account, username, email, kdf, password_hash, sealed_wrap,
                               wrapped_by_recovery_key, created_at_ms)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(&id)
    .bind(account.username.as_str())
    .bind(email)
    .bind(account.kdf.to_bytes().to_vec())
    .bind(account.password_hash.as_str())
    .bind(&account.sealed_wrap)
    .bind(account.wrapped_by_recovery_key.to_bytes().to_vec())
    .bind(account.created_at_ms as i64)
    .execute(&mut *connection)
    .await
    .unwrap();
    query("insert into published_keys values (?1, ?2, ?3, ?4, ?5)")
        .bind(&id)
        .bind(account.identity.to_bytes().to_vec())
        .bind(account.identity.fingerprint().to_bytes().to_vec())
        .bind(i64::from(account.prekey.id().0))
        .bind(account.prekey.to_bytes().to_vec())
        .execute(&mut *connection)
        .await
        .unwrap();
    for row in &account.vault {
        query("insert into vault_rows values (?1, ?2, ?3, 1, ?4)")
            .bind(&id)
            .bind(row.kind as i64)
            .bind(&row.key_id.0)
            .bind(&row.sealed.0)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    query("insert into sessions values (?1, ?2, ?3, ?4, ?4, ?5)")
        .bind(session.session.to_bytes().to_vec())
        .bind(&id)
        .bind(&session.device_name)
        .bind(session.created_at_ms as i64)
        .bind(session.unlock_half.to_vec())
        .execute(&mut *connection)
        .await
        .unwrap();
    query("insert into mailboxes values (?1, 0)").bind(&id).execute(connection).await.unwrap();
}

/// Writes what the first version wrote when this envelope was sent as the first to each of its recipients.
async fn delivered(connection: &mut SqliteConnection, sender: Person, recipients: &[Person]) {
    let sent = envelope(sender, 0, recipients);
    query("insert into envelopes values (1, ?1, ?2, ?3, 1, ?4, ?5)")
        .bind(sent.message.to_bytes().to_vec())
        .bind(sent.hash.to_bytes().to_vec())
        .bind(sent.sender.to_bytes().to_vec())
        .bind(sent.received_at_ms as i64)
        .bind(&sent.shared)
        .execute(&mut *connection)
        .await
        .unwrap();
    for delivery in &sent.deliveries {
        let account = delivery.account.to_bytes().to_vec();
        query("update mailboxes set mailbox_end = 1 where account = ?1")
            .bind(&account)
            .execute(&mut *connection)
            .await
            .unwrap();
        query("insert into deliveries values (?1, 1, 1, ?2)")
            .bind(&account)
            .bind(&delivery.seal)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_database_of_the_first_version_is_whole_after_the_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let [alice, bob] = [Person(1), Person(2)];
    let mut connection = of_the_first_version(&path).await;
    registered(&mut connection, alice, Some("Alice@Example.org")).await;
    registered(&mut connection, bob, None).await;
    delivered(&mut connection, alice, &[alice, bob]).await;
    connection.close().await.unwrap();

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, Settings::default()).await.unwrap());
    assert!(folder.path().join("relay.db.before-20261101000004").exists(), "a copy was made first");
    for person in [alice, bob] {
        let (account, session) = person.registration();
        let found = store.find_credentials(&account.username).await.unwrap().unwrap();
        assert_eq!((found.account, found.kdf), (account.account, account.kdf));
        assert_eq!((found.password_hash, found.sealed_wrap), (account.password_hash, account.sealed_wrap));
        assert_eq!((found.totp, found.login_mails), (None, true));
        let live = store.find_session(person.session()).await.unwrap().unwrap();
        assert_eq!((live.account, live.unlock_half), (person.account(), session.unlock_half));
        let [listed] = store.list_sessions(person.account()).await.unwrap().try_into().unwrap();
        assert_eq!(listed.device_name, session.device_name);
        let rows = store.vault_rows(person.account()).await.unwrap();
        let sealed: Vec<_> = account.vault.iter().rev().map(|row| (row.kind, &row.sealed)).collect();
        assert_eq!(rows.iter().map(|row| (row.kind, &row.sealed)).collect::<Vec<_>>(), sealed);
        let page = store.page(person.account(), Cursor::START, 10, usize::MAX).await.unwrap();
        assert_eq!((page.items.len(), page.end), (1, Cursor(1)));
        assert_eq!(page.items[0].shared.0, envelope(alice, 0, &[]).shared);

        let profile = store.find_profile(person.account()).await.unwrap().unwrap();
        assert_eq!(profile.recovery_key_made_at_ms, BORN_AT_MS, "it was made with the account");
        assert_eq!(profile.wrapped_by_recovery_key, account.wrapped_by_recovery_key);
        assert_eq!((profile.created_at_ms, profile.login_mails), (BORN_AT_MS, true));
        assert_eq!((profile.totp_since_ms, profile.recovery_codes_left), (None, 0));
        assert_eq!((profile.pending_email, profile.sealed_vaults), (None, Vec::new()));
    }
    let [user] = store.accounts_of_email("alice@example.org").await.unwrap().try_into().unwrap();
    assert_eq!(user.account, alice.account());

    let again = store.deliver(envelope(alice, 0, &[alice, bob])).await.unwrap();
    assert!(matches!(again, Delivered::AlreadySent(_)));
    let next = store.deliver(envelope(bob, 0, &[alice, bob])).await.unwrap();
    assert_eq!(next, Delivered::Stored(vec![(alice.account(), Cursor(2)), (bob.account(), Cursor(2))]));
    let ended = store.delete_account(alice.proven(), BORN_AT_MS).await.unwrap();
    assert_eq!(ended, Some(vec![alice.session()]));
    let (account, session) = alice.registration();
    assert_eq!(store.register(account, session, None).await.unwrap(), Registered::UsernameTaken);
}

/// The first version took addresses that no mail is sent to today. Their owners still sign in, and can set another.
#[tokio::test]
async fn an_address_that_is_none_today_locks_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let alice = Person(1);
    let mut connection = of_the_first_version(&path).await;
    registered(&mut connection, alice, Some("alice@[127.0.0.1]")).await;
    connection.close().await.unwrap();

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, Settings::default()).await.unwrap());
    let found = store.credentials_of(alice.account()).await.unwrap().unwrap();
    assert_eq!(found.email, None);
    let token = crypto::id::TokenHash::from_bytes([1; 32]);
    assert!(store.wish_email(alice.proven(), Some(alice.email()), BORN_AT_MS).await.unwrap());
    store.arm_email(alice.account(), token, BORN_AT_MS).await.unwrap().unwrap();
    let confirmed = store.confirm_email(token, 0).await.unwrap().unwrap();
    assert_eq!((confirmed.before, confirmed.now), (None, alice.email()));
}

/// What was delivered before there was an archive waits to be archived, and is read as before. The signed prekey counts as
/// one that nobody has replaced for long.
#[tokio::test]
async fn what_was_delivered_before_there_was_an_archive_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.db");
    let [alice, bob] = [Person(1), Person(2)];
    let mut connection = of_steps(&path, WITHOUT_DEVICES).await;
    registered(&mut connection, alice, Some("alice@example.org")).await;
    registered(&mut connection, bob, None).await;
    delivered(&mut connection, alice, &[alice, bob]).await;
    connection.close().await.unwrap();

    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, Settings::default()).await.unwrap());
    assert!(folder.path().join("relay.db.before-20261125000009").exists(), "a copy was made first");
    let sent = envelope(alice, 0, &[alice, bob]);
    for (person, delivery) in [alice, bob].into_iter().zip(&sent.deliveries) {
        let status = store.prekey_status(person.account(), None, Cursor::START, 0).await.unwrap().unwrap();
        assert_eq!(status.first_unarchived, Some(Cursor(1)));
        assert_eq!((status.signed, status.signed_at_ms), (person.registration().0.prekey, 0));
        assert_eq!((status.one_time_left, status.last_one_time), (0, 0));
        let page = store.page(person.account(), Cursor::START, 10, usize::MAX).await.unwrap();
        let history = store.history(person.account(), Cursor(2), 10, usize::MAX).await.unwrap();
        assert_eq!(page, history);
        let [item] = page.items.try_into().unwrap();
        assert_eq!((&item.shared.0, &item.seal.0, item.archived), (&sent.shared, &delivery.seal, None));
        let live = store.find_session(person.session()).await.unwrap().unwrap();
        assert_eq!(live.device, None);
        let [keys] = store.find_keys(&[person.account()]).await.unwrap().try_into().unwrap();
        assert_eq!((keys.prekey_at_ms, keys.log_length), (0, 0));
    }
    assert_eq!(store.erase_expired(u64::MAX, 10).await.unwrap(), 0, "it does not disappear");

    let key = ArchivedKey { epoch: EpochId::from_bytes([1; 16]), sealed: Binary(vec![1; 60]) };
    let place = ArchivedPlace { cursor: Cursor(1), message: sent.message, key: key.clone() };
    store.archive(bob.account(), vec![place]).await.unwrap();
    let page = store.page(bob.account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!((&page.items[0].seal.0, &page.items[0].archived), (&Vec::new(), &Some(key)));
    assert_eq!(store.erase(alice.account(), vec![sent.message], true).await.unwrap().messages, 1);
    let next = store.deliver(envelope(bob, 0, &[alice, bob])).await.unwrap();
    assert_eq!(next, Delivered::Stored(vec![(alice.account(), Cursor(2)), (bob.account(), Cursor(2))]));
}

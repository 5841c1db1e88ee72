use std::sync::Arc;

use crypto::id::AccountId;
use futures::future::join_all;
use protocol::{
    Binary,
    vault::{Row, VaultKind},
};
use relay::port::{PutOutcome, Store, VaultRoom};

use crate::cast::people;

const ROOM: VaultRoom = VaultRoom { rows: 100, bytes: 10_000 };

fn pin(key_id: &[u8], version: u64, content: &[u8]) -> Row {
    Row { kind: VaultKind::Pin, key_id: Binary(key_id.to_vec()), version, sealed: Binary(content.to_vec()) }
}

/// Writes a row after the one before it.
pub(crate) async fn put(store: &Arc<dyn Store>, account: AccountId, row: Row, room: VaultRoom) -> PutOutcome {
    let after = row.version - 1;
    store.put_vault_row(account, row, after, room).await.unwrap()
}

/// Two tabs change the same row: one is told to fetch it and try again.
pub async fn a_row_is_written_by_one_of_many(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    for version in 1..=3 {
        let tries = (0..20).map(|number: u8| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let row = pin(b"bob", version, &[number; 10]);
                (number, put(&store, alice.account(), row, ROOM).await)
            })
        });
        let outcomes: Vec<(u8, PutOutcome)> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
        let written: Vec<u8> =
            outcomes.iter().filter(|(_, outcome)| *outcome == PutOutcome::Done).map(|(n, _)| *n).collect();
        let [winner] = written.try_into().expect("exactly one was written");
        let rest = outcomes.iter().filter(|(_, outcome)| *outcome == PutOutcome::VersionConflict).count();
        assert_eq!(rest, 19);
        let rows = store.vault_rows(alice.account()).await.unwrap();
        assert_eq!(rows.last(), Some(&pin(b"bob", version, &[winner; 10])));
    }
}

/// Versions count 1, 2, 3 …; the same row again is no conflict.
pub async fn a_row_is_written_only_after_the_one_before_it(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let put = async |version: u64, content: &[u8]| {
        put(&store, alice.account(), pin(b"bob", version, content), ROOM).await
    };
    assert_eq!(put(2, b"two").await, PutOutcome::VersionConflict);
    assert_eq!(put(1, b"one").await, PutOutcome::Done);
    assert_eq!(put(1, b"one").await, PutOutcome::Done, "the same again");
    assert_eq!(put(1, b"another").await, PutOutcome::VersionConflict);
    assert_eq!(put(3, b"three").await, PutOutcome::VersionConflict);
    assert_eq!(put(2, b"two").await, PutOutcome::Done);
    assert_eq!(put(1, b"one").await, PutOutcome::VersionConflict, "an old one does not come back");
    assert_eq!(store.vault_rows(alice.account()).await.unwrap().last(), Some(&pin(b"bob", 2, b"two")));
}

/// A server that was set back gets the newest version at once, after the one that it has.
pub async fn a_lost_row_comes_back_after_the_one_that_stands(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    let put = async |after: u64, version: u64, content: &[u8]| {
        store.put_vault_row(alice.account(), pin(b"bob", version, content), after, ROOM).await.unwrap()
    };
    assert_eq!(put(3, 9, b"nine").await, PutOutcome::VersionConflict, "nothing stands there");
    assert_eq!(put(0, 5, b"five").await, PutOutcome::Done);
    assert_eq!(put(0, 7, b"seven").await, PutOutcome::VersionConflict, "something does");
    assert_eq!(put(5, 9_000_000, b"the last").await, PutOutcome::Done);
    assert_eq!(put(5, 9_000_000, b"the last").await, PutOutcome::Done, "the same again");
    assert_eq!(put(5, 9_000_001, b"another").await, PutOutcome::VersionConflict);
    assert_eq!(
        store.vault_rows(alice.account()).await.unwrap().last(),
        Some(&pin(b"bob", 9_000_000, b"the last"))
    );
}

/// A row that is there can still be changed.
pub async fn a_full_vault_takes_changes_and_no_more_rows(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let rows = store.vault_rows(alice.account()).await.unwrap().len() + 1;
    let room = VaultRoom { rows, ..ROOM };
    let put = async |account, row| put(&store, account, row, room).await;
    assert_eq!(put(alice.account(), pin(b"bob", 1, b"x")).await, PutOutcome::Done);
    assert_eq!(put(alice.account(), pin(b"carol", 1, b"x")).await, PutOutcome::Full);
    assert_eq!(put(alice.account(), pin(b"bob", 2, b"y")).await, PutOutcome::Done);
    assert_eq!(put(bob.account(), pin(b"carol", 1, b"x")).await, PutOutcome::Done, "another vault");
    assert_eq!(store.vault_rows(alice.account()).await.unwrap().len(), rows);
}

/// Bytes are counted over all rows: neither a new one nor one that grows gets more than there is room for.
pub async fn a_vault_has_room_for_so_many_bytes(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let held = store.vault_rows(alice.account()).await.unwrap();
    let held: usize = held.iter().map(|row| row.sealed.0.len()).sum();
    let room = VaultRoom { bytes: held + 30, ..ROOM };
    let put = async |account, row| put(&store, account, row, room).await;
    assert_eq!(put(alice.account(), pin(b"bob", 1, &[1; 20])).await, PutOutcome::Done);
    assert_eq!(put(alice.account(), pin(b"carol", 1, &[1; 11])).await, PutOutcome::Full);
    assert_eq!(put(alice.account(), pin(b"carol", 1, &[1; 10])).await, PutOutcome::Done);
    assert_eq!(put(alice.account(), pin(b"bob", 2, &[2; 21])).await, PutOutcome::Full);
    assert_eq!(
        put(alice.account(), pin(b"bob", 2, &[2; 20])).await,
        PutOutcome::Done,
        "no larger than before"
    );
    assert_eq!(put(alice.account(), pin(b"bob", 3, &[3; 15])).await, PutOutcome::Done);
    assert_eq!(put(alice.account(), pin(b"carol", 2, &[3; 15])).await, PutOutcome::Done, "room came back");
    assert_eq!(put(bob.account(), pin(b"carol", 1, &[1; 20])).await, PutOutcome::Done, "another vault");
}

/// The identity first, then prekeys, then pins and the rest; key ids as bytes, the shorter first.
pub async fn rows_come_in_the_order_of_kind_and_key_id(store: Arc<dyn Store>) {
    let [alice] = people(&store, 1).await.try_into().unwrap();
    for key_id in [b"b".as_slice(), &[0xff], b"ab", b"a", &[0, 0]] {
        let outcome = put(&store, alice.account(), pin(key_id, 1, b"x"), ROOM).await;
        assert_eq!(outcome, PutOutcome::Done);
    }
    for kind in [VaultKind::ArchiveKey, VaultKind::OneTimePrekeys, VaultKind::PastIdentity] {
        let row = Row { kind, ..pin(b"a", 1, b"x") };
        assert_eq!(put(&store, alice.account(), row, ROOM).await, PutOutcome::Done);
    }
    let rows = store.vault_rows(alice.account()).await.unwrap();
    let places: Vec<(VaultKind, &[u8])> = rows.iter().map(|row| (row.kind, row.key_id.as_slice())).collect();
    assert_eq!(
        places,
        [
            (VaultKind::Identity, b"".as_slice()),
            (VaultKind::Prekey, &[0, 0, 0, 1]),
            (VaultKind::Pin, &[0, 0]),
            (VaultKind::Pin, b"a"),
            (VaultKind::Pin, b"ab"),
            (VaultKind::Pin, b"b"),
            (VaultKind::Pin, &[0xff]),
            (VaultKind::PastIdentity, b"a"),
            (VaultKind::OneTimePrekeys, b"a"),
            (VaultKind::ArchiveKey, b"a"),
        ]
    );
    assert!(rows.iter().all(|row| row.version == 1));
}

/// The same kind and key id in two vaults are two rows.
pub async fn two_accounts_see_nothing_of_each_other(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let before = store.vault_rows(bob.account()).await.unwrap();
    let row = pin(b"carol", 1, b"alice's");
    assert_eq!(put(&store, alice.account(), row, ROOM).await, PutOutcome::Done);
    assert_eq!(store.vault_rows(bob.account()).await.unwrap(), before);
    let row = pin(b"carol", 1, b"bob's");
    assert_eq!(put(&store, bob.account(), row.clone(), ROOM).await, PutOutcome::Done);
    let alices = store.vault_rows(alice.account()).await.unwrap();
    assert!(!alices.contains(&row));
    assert!(alices.iter().all(|row| !before.contains(row)));
}

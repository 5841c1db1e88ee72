use std::sync::Arc;

use crypto::id::{EpochId, MessageId};
use protocol::{
    Binary, Cursor,
    mailbox::{ArchivedKey, ArchivedPlace, Item},
};
use relay::port::{ItemState, Store};

use crate::cast::{Person, deliver, envelope, people, seal_of, shared_of};

/// A key, sealed for the archive: another for each number.
pub(crate) fn archived_key(number: u8) -> ArchivedKey {
    ArchivedKey { epoch: EpochId::from_bytes([number; 16]), sealed: Binary(vec![number; 60]) }
}

fn message(sender: Person, number: u32) -> MessageId {
    envelope(sender, number, &[]).message
}

fn place(cursor: u64, message: MessageId, key: u8) -> ArchivedPlace {
    ArchivedPlace { cursor: Cursor(cursor), message, key: archived_key(key) }
}

async fn items(store: &Arc<dyn Store>, person: Person) -> Vec<Item> {
    store.page(person.account(), Cursor::START, 100, usize::MAX).await.unwrap().items
}

async fn first_unarchived(store: &Arc<dyn Store>, person: Person) -> Option<u64> {
    let status = store.prekey_status(person.account(), None, Cursor::START, 0).await.unwrap().unwrap();
    status.first_unarchived.map(|cursor| cursor.0)
}

/// In the mailbox of who archives it, with the content as before; the others' are as they were.
pub async fn an_archived_key_takes_the_place_of_the_seal(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..3 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let alices = items(&store, alice).await;
    assert!(alices.iter().all(|item| item.archived.is_none()));
    let keys = vec![place(1, message(alice, 0), 1), place(3, message(alice, 2), 3)];
    store.archive(bob.account(), keys).await.unwrap();
    let bobs = items(&store, bob).await;
    let told: Vec<_> = bobs.iter().map(|item| (item.seal.0.clone(), item.archived.clone())).collect();
    assert_eq!(
        told,
        [(Vec::new(), Some(archived_key(1))), (seal_of(bob, 1), None), (Vec::new(), Some(archived_key(3))),]
    );
    for (item, number) in bobs.iter().zip(0..) {
        assert_eq!(item.shared.0, shared_of(alice, number));
    }
    assert_eq!(items(&store, alice).await, alices);
}

/// Two devices archive the same message: one key stays, and both are told the same.
pub async fn the_first_key_that_is_archived_stays(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..2 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let [first, second] = [0, 1].map(|number| message(alice, number));
    store.archive(bob.account(), vec![place(1, first, 1)]).await.unwrap();
    for key in [1, 2] {
        store.archive(bob.account(), vec![place(1, first, key)]).await.unwrap();
    }
    let twice = vec![place(2, first, 5), place(2, second, 3), place(2, second, 4)];
    store.archive(bob.account(), twice).await.unwrap();
    let archived: Vec<_> = items(&store, bob).await.into_iter().map(|item| item.archived).collect();
    assert_eq!(archived, [Some(archived_key(1)), Some(archived_key(3))]);
}

/// Another message, another place, another mailbox, what is for single devices, what was erased: all stay as they are.
pub async fn a_key_is_archived_where_its_message_waits_only(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..3 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let mut on_devices = envelope(alice, 3, &[alice, bob]);
    on_devices.deliveries.iter_mut().for_each(|delivery| delivery.state = ItemState::OnDevices);
    deliver(&store, on_devices).await;
    store.erase(bob.account(), vec![message(alice, 2)], false).await.unwrap();
    let before = [items(&store, alice).await, items(&store, bob).await];
    let keys = vec![
        place(1, message(alice, 1), 1),
        place(2, message(bob, 1), 2),
        place(3, message(alice, 2), 3),
        place(4, message(alice, 3), 4),
        place(5, message(alice, 4), 5),
        place(0, message(alice, 0), 6),
        place(u64::MAX, message(alice, 0), 7),
    ];
    store.archive(bob.account(), keys.clone()).await.unwrap();
    store.archive(bob.account(), Vec::new()).await.unwrap();
    store.archive(Person(9).account(), keys).await.unwrap();
    assert_eq!([items(&store, alice).await, items(&store, bob).await], before);
}

/// With the envelope itself: the sender has no seal.
pub async fn the_key_of_the_sender_is_archived_at_once(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    let mut sent = envelope(alice, 0, &[alice, bob]);
    sent.deliveries[0].seal = Vec::new();
    sent.deliveries[0].archived = Some(archived_key(1));
    sent.deliveries[0].state = ItemState::Archived;
    deliver(&store, sent).await;
    deliver(&store, envelope(bob, 0, &[alice, bob])).await;
    let [own, bobs] = items(&store, alice).await.try_into().unwrap();
    assert_eq!((own.seal.0, own.archived), (Vec::new(), Some(archived_key(1))));
    assert_eq!(own.shared.0, shared_of(alice, 0));
    assert_eq!((bobs.seal.0, bobs.archived), (seal_of(alice, 0), None));
    assert_eq!(items(&store, bob).await[0].seal.0, seal_of(bob, 0));
    assert_eq!(first_unarchived(&store, alice).await, Some(2));
    store.archive(alice.account(), vec![place(1, message(alice, 0), 2)]).await.unwrap();
    assert_eq!(items(&store, alice).await[0].archived, Some(archived_key(1)), "it stays");
}

/// Past what is archived, what is for single devices, and what was erased.
pub async fn the_first_place_that_waits_moves_on(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    assert_eq!(first_unarchived(&store, bob).await, None);
    for number in 0..6 {
        let mut sent = envelope(alice, number, &[alice, bob]);
        if number == 2 {
            sent.deliveries.iter_mut().for_each(|delivery| delivery.state = ItemState::OnDevices);
        }
        deliver(&store, sent).await;
    }
    let archive = async |number: u32| {
        let key = place(u64::from(number) + 1, message(alice, number), 1);
        store.archive(bob.account(), vec![key]).await.unwrap();
        first_unarchived(&store, bob).await
    };
    assert_eq!(first_unarchived(&store, bob).await, Some(1));
    assert_eq!(archive(1).await, Some(1));
    assert_eq!(archive(0).await, Some(4));
    store.erase(bob.account(), vec![message(alice, 3)], false).await.unwrap();
    assert_eq!(first_unarchived(&store, bob).await, Some(5));
    assert_eq!(archive(4).await, Some(6));
    assert_eq!(archive(5).await, None);
    assert_eq!(first_unarchived(&store, alice).await, Some(1), "another mailbox");
    deliver(&store, envelope(bob, 0, &[alice, bob])).await;
    assert_eq!(first_unarchived(&store, bob).await, Some(7));
}

use std::sync::Arc;

use crypto::envelope::SEAL_BYTES;
use protocol::{Cursor, mailbox::ArchivedPlace};
use relay::port::Store;

use crate::{
    archive::archived_key,
    cast::{NOW_MS, Person, deliver, envelope, people, seal_of, shared_of},
};

/// By items, and by bytes; one delivery is given whatever its size, and pages join without a gap.
pub async fn a_page_ends_where_its_limits_say(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..7 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let places = async |after: u64, max_items: u32, max_bytes: usize| {
        let page = store.page(bob.account(), Cursor(after), max_items, max_bytes).await.unwrap();
        assert_eq!(page.end, Cursor(7));
        for item in &page.items {
            let number = item.cursor.0 as u32 - 1;
            assert_eq!(item.received_at_ms, NOW_MS + u64::from(number));
            assert_eq!(item.shared.0, shared_of(alice, number));
            assert_eq!(item.seal.0, seal_of(bob, number));
        }
        page.items.iter().map(|item| item.cursor.0).collect::<Vec<_>>()
    };
    let one = shared_of(alice, 0).len() + SEAL_BYTES;
    assert_eq!(places(0, 100, usize::MAX).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(places(0, 3, usize::MAX).await, [1, 2, 3]);
    assert_eq!(places(3, 3, usize::MAX).await, [4, 5, 6]);
    assert_eq!(places(6, 3, usize::MAX).await, [7]);
    assert_eq!(places(0, 100, 2 * one).await, [1, 2]);
    assert_eq!(places(0, 100, 2 * one - 1).await, [1]);
    assert_eq!(places(0, 100, 1).await, [1]);
    assert_eq!(places(4, 100, 3 * one).await, [5, 6, 7]);
}

/// A device whose server was restored from an old copy is ahead of it: that is no error.
pub async fn a_cursor_past_the_end_finds_nothing(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    deliver(&store, envelope(alice, 0, &[alice, bob])).await;
    for after in [1, 2, u64::MAX] {
        let page = store.page(bob.account(), Cursor(after), 10, usize::MAX).await.unwrap();
        assert_eq!((page.items.len(), page.end), (0, Cursor(1)), "after {after}");
    }
    let page = store.page(Person(60).account(), Cursor::START, 10, usize::MAX).await.unwrap();
    assert_eq!((page.items.len(), page.end), (0, Cursor(0)));
}

/// Newest first; limited like a page, and joined without a gap from where the last one ended.
pub async fn history_goes_backwards_from_its_end(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..7 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let places = async |before: u64, max_items: u32, max_bytes: usize| {
        let page = store.history(bob.account(), Cursor(before), max_items, max_bytes).await.unwrap();
        assert_eq!(page.end, Cursor(7));
        for item in &page.items {
            let number = item.cursor.0 as u32 - 1;
            assert_eq!(item.received_at_ms, NOW_MS + u64::from(number));
            assert_eq!((&item.shared.0, &item.seal.0), (&shared_of(alice, number), &seal_of(bob, number)));
        }
        page.items.iter().map(|item| item.cursor.0).collect::<Vec<_>>()
    };
    let one = shared_of(alice, 0).len() + SEAL_BYTES;
    for past_the_end in [8, 9, u64::MAX] {
        assert_eq!(places(past_the_end, 100, usize::MAX).await, [7, 6, 5, 4, 3, 2, 1]);
    }
    assert_eq!(places(u64::MAX, 3, usize::MAX).await, [7, 6, 5]);
    assert_eq!(places(5, 3, usize::MAX).await, [4, 3, 2]);
    assert_eq!(places(2, 3, usize::MAX).await, [1]);
    assert_eq!(places(1, 3, usize::MAX).await, [0; 0]);
    assert_eq!(places(0, 3, usize::MAX).await, [0; 0]);
    assert_eq!(places(7, 100, 2 * one).await, [6, 5]);
    assert_eq!(places(7, 100, 2 * one - 1).await, [6]);
    assert_eq!(places(7, 100, 1).await, [6]);
    let page = store.history(Person(60).account(), Cursor(5), 10, usize::MAX).await.unwrap();
    assert_eq!((page.items.len(), page.end), (0, Cursor(0)));
}

/// Where a seal is archived or erased, there is room for more: forwards and backwards.
pub async fn what_a_page_holds_is_counted_as_it_stands(store: Arc<dyn Store>) {
    let [alice, bob] = people(&store, 2).await.try_into().unwrap();
    for number in 0..4 {
        deliver(&store, envelope(alice, number, &[alice, bob])).await;
    }
    let message = |number: u32| envelope(alice, number, &[]).message;
    store.erase(bob.account(), vec![message(1)], false).await.unwrap();
    let place = ArchivedPlace { cursor: Cursor(3), message: message(2), key: archived_key(1) };
    store.archive(bob.account(), vec![place]).await.unwrap();
    let shared = shared_of(alice, 0).len();
    let whole = shared + SEAL_BYTES;
    let archived = shared + archived_key(1).sealed.0.len();
    for (max_bytes, forwards, backwards) in [
        (whole, 2, 1),
        (whole + archived - 1, 2, 1),
        (whole + archived, 3, 3),
        (2 * whole + archived - 1, 3, 3),
        (2 * whole + archived, 4, 4),
    ] {
        let page = store.page(bob.account(), Cursor::START, 100, max_bytes).await.unwrap();
        assert_eq!(page.items.len(), forwards, "{max_bytes}");
        let page = store.history(bob.account(), Cursor(5), 100, max_bytes).await.unwrap();
        assert_eq!(page.items.len(), backwards, "{max_bytes}");
    }
}

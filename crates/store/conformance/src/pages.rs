use std::sync::Arc;

use crypto::envelope::SEAL_BYTES;
use protocol::Cursor;
use relay::port::Store;

use crate::cast::{NOW_MS, Person, deliver, envelope, people, seal_of, shared_of};

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

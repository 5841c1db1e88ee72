use std::sync::Arc;

use relay::port::{Counter, Store};

use crate::cast::{NOW_MS, sorted};

fn counter(purpose: u8, subject: u8, level: u64) -> Counter {
    Counter { purpose, subject: [subject; 16], level, at_ms: NOW_MS + level }
}

/// As they were saved last; one that is down to 0 is forgotten, and the others stay.
pub async fn counters_are_there_after_a_restart(store: Arc<dyn Store>) {
    let load = async || sorted(store.load_counters().await.unwrap());
    assert!(load().await.is_empty());
    store.save_counters(Vec::new()).await.unwrap();
    let all = vec![counter(1, 1, 5), counter(1, 2, 6), counter(2, 1, 7), counter(255, 9, 1 << 40)];
    store.save_counters(all.clone()).await.unwrap();
    assert_eq!(load().await, all);

    store.save_counters(vec![counter(1, 2, 0), counter(2, 1, 3), counter(3, 3, 0)]).await.unwrap();
    assert_eq!(load().await, [all[0], counter(2, 1, 3), all[3]]);
    let many: Vec<_> = (0..=255).map(|subject| counter(7, subject, 9)).collect();
    store.save_counters(many.clone()).await.unwrap();
    assert_eq!(load().await.len(), 3 + many.len());
    let none = load().await.into_iter().map(|counter| Counter { level: 0, ..counter });
    store.save_counters(none.collect()).await.unwrap();
    assert!(load().await.is_empty());
}

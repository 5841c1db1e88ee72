use async_trait::async_trait;
use relay::port::{Counter, Counters, StoreError};

use crate::MemoryStore;

#[async_trait]
impl Counters for MemoryStore {
    async fn load_counters(&self) -> Result<Vec<Counter>, StoreError> {
        let state = self.lock();
        let counters = state.counters.iter();
        Ok(counters
            .map(|((purpose, subject), (level, at_ms))| Counter {
                purpose: *purpose,
                subject: *subject,
                level: *level,
                at_ms: *at_ms,
            })
            .collect())
    }

    async fn save_counters(&self, counters: Vec<Counter>) -> Result<(), StoreError> {
        let mut state = self.lock();
        for Counter { purpose, subject, level, at_ms } in counters {
            if level == 0 {
                state.counters.remove(&(purpose, subject));
            } else {
                state.counters.insert((purpose, subject), (level, at_ms));
            }
        }
        Ok(())
    }
}

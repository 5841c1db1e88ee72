//! Counters outlast a restart.

use protocol::Refusal;

use super::{Brakes, Level, Purpose};
use crate::{
    Relay,
    port::{Counter, StoreError},
};

impl Brakes {
    fn take_changed(&self) -> Vec<Counter> {
        let mut levels = self.lock();
        let changed = levels.take_changed();
        changed
            .into_iter()
            .map(|(purpose, subject)| {
                let Level { level, at_ms } = levels.of(purpose, subject);
                Counter { purpose: purpose as u8, subject, level, at_ms }
            })
            .collect()
    }

    fn put_back(&self, counters: Vec<Counter>) {
        let known = counters.into_iter();
        let known = known.filter_map(|one| Some((Purpose::of_number(one.purpose)?, one.subject)));
        self.lock().mark_changed(known);
    }

    fn restore(&self, counters: Vec<Counter>) {
        let mut levels = self.lock();
        for Counter { purpose, subject, level, at_ms } in counters {
            if let Some(purpose) = Purpose::of_number(purpose) {
                levels.restore(purpose, subject, Level { level, at_ms });
            }
        }
        levels.make_room();
    }
}

impl Relay {
    /// Goes on with what an earlier process counted. To be called once, before the first request.
    ///
    /// # Errors
    /// The store's.
    pub async fn restore_counters(&self) -> Result<(), StoreError> {
        self.0.brakes.restore(self.0.store.load_counters().await?);
        Ok(())
    }

    /// Keeps what was counted since the last time. To be called by and by, and at the end.
    ///
    /// # Errors
    /// The store's; what was not kept is kept the next time.
    pub async fn keep_counters(&self) -> Result<(), StoreError> {
        let changed = self.0.brakes.take_changed();
        if changed.is_empty() {
            return Ok(());
        }
        self.0.store.save_counters(changed.clone()).await.inspect_err(|_| self.0.brakes.put_back(changed))
    }

    /// Somebody guessed wrong: a restart must not give the try back.
    pub(crate) async fn keep_failure(&self) {
        if let Err(error) = self.keep_counters().await {
            // It is logged there; the counters in memory hold.
            let _logged = Refusal::from(error);
        }
    }
}

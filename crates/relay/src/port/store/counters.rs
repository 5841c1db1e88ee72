use async_trait::async_trait;

use super::StoreError;

/// What the relay counts to slow guessing down, so that a restart does not forget it.
#[async_trait]
pub trait Counters: Send + Sync {
    /// All counters, in whatever order.
    async fn load_counters(&self) -> Result<Vec<Counter>, StoreError>;

    /// Keeps these counters as they are now, all of them or none; one whose level is 0 is forgotten.
    async fn save_counters(&self, counters: Vec<Counter>) -> Result<(), StoreError>;
}

/// One counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// What is counted: a number that the relay gives a meaning.
    pub purpose: u8,
    /// For whom: a keyed hash, so that no name and no address is written down.
    pub subject: [u8; 16],
    /// How much.
    pub level: u64,
    /// When it was counted last, in milliseconds since 1970.
    pub at_ms: u64,
}

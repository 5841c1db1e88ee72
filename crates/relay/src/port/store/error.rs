use protocol::{Refusal, refusal::Code};

/// Why a store did not do what it was asked for. Nothing was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No space is left.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the lock for too long.
    #[error("the database is locked")]
    Locked,
    /// The medium does not take writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// A stored row does not read back.
    #[error("the table {table} holds a row that cannot be read: {problem}")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// What is wrong with the row; nothing of its content.
        problem: String,
    },
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// The one place where a store's troubles are told: to the operator in the log, to the caller as a code.
impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::DiskFull | StoreError::Locked | StoreError::ReadOnly | StoreError::Closed => {
                Code::StoreUnavailable
            }
            StoreError::Corrupt { .. } | StoreError::Failed(_) => Code::Internal,
        };
        tracing::error!(%error, ?code, "the store failed");
        match code {
            Code::StoreUnavailable => Refusal::new(code).retry_after(5),
            _ => Refusal::new(code),
        }
    }
}

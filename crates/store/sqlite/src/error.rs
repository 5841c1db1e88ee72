use relay::port::StoreError;

/// What SQLite says, as the relay understands it. The text of other errors names tables and columns, never values.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => StoreError::Closed,
        sqlx::Error::PoolTimedOut => StoreError::Locked,
        sqlx::Error::Database(error) => {
            let extended: Option<u32> = error.code().and_then(|code| code.parse().ok());
            match extended.map(|code| code & 0xff) {
                Some(SQLITE_BUSY | SQLITE_LOCKED) => StoreError::Locked,
                Some(SQLITE_READONLY | SQLITE_CANTOPEN | SQLITE_PERM) => StoreError::ReadOnly,
                Some(SQLITE_FULL) => StoreError::DiskFull,
                _ => StoreError::Failed(format!("SQLite: {error}")),
            }
        }
        other => StoreError::Failed(other.to_string()),
    }
}

// Primary result codes: https://sqlite.org/rescode.html
const SQLITE_PERM: u32 = 3;
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_READONLY: u32 = 8;
const SQLITE_FULL: u32 = 13;
const SQLITE_CANTOPEN: u32 = 14;

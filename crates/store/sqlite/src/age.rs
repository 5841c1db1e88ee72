//! How old the database is: a number that counts up while it is written, and that a file beside it knows too.
//!
//! A database that is younger than the file says, or has no file beside it, is a copy that was put back. One-time prekeys of a
//! copy may have served since it was made: what is sealed to one of those opens nowhere. So a copy hands none out; devices
//! publish new ones.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use relay::port::{PASSED_OVER, StoreError};
use sqlx::{Connection, SqliteConnection, query};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::{error::store_error, open::CannotOpenStore};

/// How often it is counted at most, while something is written: a copy that is put back within this time is not noticed.
const COUNTED_EVERY: Duration = Duration::from_secs(60);

/// Counts, for the process that the database belongs to.
#[derive(Debug)]
pub(crate) struct Age {
    file: PathBuf,
    counted_at: Instant,
}

impl Age {
    /// Compares the database with the file beside it; has a copy that was put back forget its one-time prekeys.
    pub(crate) async fn begin(
        connection: &mut SqliteConnection,
        database: &Path,
    ) -> Result<Self, CannotOpenStore> {
        let mut name = database.as_os_str().to_owned();
        name.push("-age");
        let age = Self { file: PathBuf::from(name), counted_at: Instant::now() };
        let refused = |source| CannotOpenStore::File { path: age.file.clone(), source };
        let beside = age.read().map_err(refused)?;
        let mut transaction = connection.begin_with("begin immediate").await.map_err(store_error)?;
        let here = query!("select age from database_age")
            .fetch_one(&mut *transaction)
            .await
            .map_err(store_error)?
            .age;
        // Before it was ever counted, there was no file to be missing.
        if beside.map_or(here > 0, |beside| beside > here) {
            let forgotten = query!("delete from one_time_prekeys")
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?
                .rows_affected();
            // Nor are their numbers given once more.
            query!("update prekey_pools set last_id = min(last_id + ?1, ?2)", PASSED_OVER, u32::MAX)
                .execute(&mut *transaction)
                .await
                .map_err(store_error)?;
            query!(
                r#"
                insert into prekey_pools (account, device, last_id)
                select keys.account, x'', ?1
                from   published_keys as keys
                where  true
                on conflict do nothing
                "#,
                PASSED_OVER,
            )
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
            info!(
                forgotten,
                "the database is a copy that was put back: it hands out no one-time prekey until devices publish new ones"
            );
        }
        let now = here.max(beside.unwrap_or(0)).saturating_add(1);
        query!("update database_age set age = ?1", now)
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        age.write(now).map_err(refused)?;
        Ok(age)
    }

    /// Whether it is to be counted within the next transaction.
    pub(crate) fn is_due(&self) -> bool {
        self.counted_at.elapsed() >= COUNTED_EVERY
    }

    /// Counts, within the transaction that is open.
    pub(crate) async fn count(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
        query!("update database_age set age = age + 1 returning age")
            .fetch_one(connection)
            .await
            .map(|row| row.age)
            .map_err(store_error)
    }

    /// Tells the file what was counted and committed: never before, or the database itself would look like a copy.
    pub(crate) fn note(&mut self, counted: i64) {
        self.counted_at = Instant::now();
        if let Err(error) = self.write(counted) {
            warn!(%error, file = %self.file.display(), "the file beside the database was not written; it is tried again");
        }
    }

    /// `None`: there is none, or it is damaged.
    fn read(&self) -> io::Result<Option<i64>> {
        match fs::read_to_string(&self.file) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A few bytes, as a whole or not at all.
    fn write(&self, age: i64) -> io::Result<()> {
        let mut unfinished = self.file.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        let mut file: File =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(format!("{age}\n").as_bytes())?;
        fs::rename(unfinished, &self.file)
    }
}

//! A device's records on SQLite: what a program keeps for the engine, several processes at once.
//!
//! The values are sealed before they come here; names and lengths are all that the file shows. One table, and the two
//! promises that [`client::Device`] asks for: a [`Records::write`] stands as a whole or not at all, and of several
//! [`Records::put_if_absent`] one wins.

use std::{
    fs::{self, OpenOptions, Permissions},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use client::{StoreUnavailable, device::Change};
use sqlx::{
    Connection, Row, SqliteConnection, SqlitePool, query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// So long another process may hold the file: a command waits rather than fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The records of one device.
#[derive(Clone, Debug)]
pub struct Records(SqlitePool);

/// Why the records were not opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpenRecords {
    /// The file could not be made, or its rights not be set.
    #[error("{path} cannot be used: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no database, is damaged, or is locked by somebody for longer than a command waits.
    #[error("{path} cannot be opened: {source}")]
    Database {
        /// Which.
        path: PathBuf,
        /// What SQLite says.
        source: sqlx::Error,
    },
}

impl Records {
    /// Opens the file, made for its owner alone if it is missing.
    ///
    /// # Errors
    /// [`CannotOpenRecords`].
    pub async fn open(path: &Path) -> Result<Self, CannotOpenRecords> {
        let file = |source| CannotOpenRecords::File { path: path.to_owned(), source };
        // SQLite gives its log the rights of the database.
        let options = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(file)?;
        drop(options);
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(file)?;
        let database = |source| CannotOpenRecords::Database { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("secure_delete", "on");
        let pool =
            SqlitePoolOptions::new().max_connections(2).connect_with(options).await.map_err(database)?;
        query("create table if not exists records (name text primary key, bytes blob not null) strict, without rowid")
            .execute(&pool)
            .await
            .map_err(database)?;
        Ok(Self(pool))
    }

    /// Closes the file: its log is folded in.
    pub async fn close(&self) {
        self.0.close().await;
    }

    /// The record of this name.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        let row = query("select bytes from records where name = ?").bind(name).fetch_optional(&self.0);
        Ok(row.await.map_err(unavailable)?.map(|row| row.get(0)))
    }

    /// All records whose names begin so, in the order of their names.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        let rows = query("select name, bytes from records where name >= ? and name < ? order by name")
            .bind(prefix)
            .bind(end_of(prefix))
            .fetch_all(&self.0);
        Ok(rows.await.map_err(unavailable)?.iter().map(|row| (row.get(0), row.get(1))).collect())
    }

    /// Makes all the changes in one transaction.
    ///
    /// # Errors
    /// [`StoreUnavailable`]: none of them was made.
    pub async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        let mut connection = self.0.acquire().await.map_err(unavailable)?;
        let mut transaction = connection.begin_with("begin immediate").await.map_err(unavailable)?;
        for change in changes {
            make(&mut transaction, change).await.map_err(unavailable)?;
        }
        transaction.commit().await.map_err(unavailable)
    }

    /// Keeps `bytes` under `name` if nothing is there, and returns what stands there now.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn put_if_absent(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, StoreUnavailable> {
        // The update changes nothing: it is there so that the row is returned in either case.
        let row = query(
            "insert into records (name, bytes) values (?, ?) on conflict (name) do update set name = excluded.name \
             returning bytes",
        )
        .bind(name)
        .bind(bytes)
        .fetch_one(&self.0);
        Ok(row.await.map_err(unavailable)?.get(0))
    }
}

async fn make(connection: &mut SqliteConnection, change: Change) -> sqlx::Result<()> {
    let statement = match &change {
        Change::Put { name, bytes } => query(
            "insert into records (name, bytes) values (?, ?) on conflict (name) do update set bytes = excluded.bytes",
        )
        .bind(name)
        .bind(bytes),
        Change::Remove { name } => query("delete from records where name = ?").bind(name),
        Change::RemoveAll { prefix } => {
            query("delete from records where name >= ? and name < ?").bind(prefix).bind(end_of(prefix))
        }
    };
    statement.execute(connection).await.map(drop)
}

/// The first text after all that begin with `prefix`: names are ASCII, and no name has the last character of all.
fn end_of(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

fn unavailable(_: sqlx::Error) -> StoreUnavailable {
    StoreUnavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn records() -> (tempfile::TempDir, Records) {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::open(&folder.path().join("records.sqlite")).await.unwrap();
        (folder, records)
    }

    fn put(name: &str, bytes: &[u8]) -> Change {
        Change::Put { name: name.into(), bytes: bytes.into() }
    }

    #[tokio::test]
    async fn what_is_written_is_read_in_the_order_of_names_by_every_process() {
        let (folder, records) = records().await;
        records.write(vec![put("a/2", b"two"), put("a/1", b"one"), put("b", b"other")]).await.unwrap();
        let again = Records::open(&folder.path().join("records.sqlite")).await.unwrap();
        assert_eq!(again.read("a/1").await.unwrap().unwrap(), b"one");
        let names: Vec<_> = again.scan("a/").await.unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a/1", "a/2"]);
        let changes = vec![
            Change::RemoveAll { prefix: "a/".into() },
            put("b", b"new"),
            Change::Remove { name: "c".into() },
        ];
        again.write(changes).await.unwrap();
        assert_eq!(records.scan("").await.unwrap(), [("b".to_owned(), b"new".to_vec())]);
    }

    #[tokio::test]
    async fn of_many_who_put_at_once_one_wins_and_all_learn_which() {
        let (folder, records) = records().await;
        let other = Records::open(&folder.path().join("records.sqlite")).await.unwrap();
        let tries = (0..20_u8).map(|number| {
            let records = if number % 2 == 0 { records.clone() } else { other.clone() };
            tokio::spawn(async move { records.put_if_absent("x", vec![number]).await.unwrap() })
        });
        let tries: Vec<_> = tries.collect();
        let winner = records.put_if_absent("x", vec![99]).await.unwrap();
        for one in tries {
            assert_eq!(one.await.unwrap(), winner);
        }
    }

    #[tokio::test]
    async fn the_file_is_its_owners_alone_and_what_is_no_database_says_so() {
        let (folder, records) = records().await;
        records.write(vec![put("a", b"b")]).await.unwrap();
        for file in fs::read_dir(folder.path()).unwrap() {
            let mode = file.as_ref().unwrap().metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", file.unwrap().path());
        }
        let other = folder.path().join("text");
        fs::write(&other, "this is no database at all, and long enough to be looked at".repeat(40)).unwrap();
        let refused = Records::open(&other).await.unwrap_err();
        assert!(matches!(refused, CannotOpenRecords::Database { .. }), "{refused}");
        assert!(refused.to_string().contains("text"), "{refused}");
    }
}

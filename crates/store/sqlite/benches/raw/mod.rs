//! SQLite doing the least that keeps the same bytes, with the store's settings, and the disk below it: what a measured
//! rate is compared with.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, QueryBuilder, Sqlite, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::sync::{Mutex, mpsc, oneshot};

/// One transaction a row.
#[derive(Clone)]
pub(crate) struct Alone(Arc<Mutex<SqliteConnection>>);

impl Alone {
    pub(crate) async fn open(path: &Path) -> Self {
        Self(Arc::new(Mutex::new(connection(path).await)))
    }

    pub(crate) async fn insert(&self, row: Vec<u8>) {
        insert(&mut *self.0.lock().await, &[row]).await;
    }
}

/// One transaction for all rows that wait.
#[derive(Clone)]
pub(crate) struct Grouped(mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>);

impl Grouped {
    pub(crate) async fn open(path: &Path) -> Self {
        let mut connection = connection(path).await;
        let (queue, mut waiting) = mpsc::channel(1_024);
        tokio::spawn(async move {
            let mut group = Vec::new();
            while waiting.recv_many(&mut group, 1_024).await > 0 {
                let (rows, answers): (Vec<_>, Vec<oneshot::Sender<()>>) = group.drain(..).unzip();
                insert(&mut connection, &rows).await;
                answers.into_iter().for_each(|answer| answer.send(()).unwrap());
            }
        });
        Self(queue)
    }

    pub(crate) async fn insert(&self, row: Vec<u8>) {
        let (answer, done) = oneshot::channel();
        self.0.send((row, answer)).await.unwrap();
        done.await.unwrap();
    }
}

async fn connection(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000");
    let mut connection = options.connect().await.unwrap();
    let table = "create table rows (row integer primary key, bytes blob not null) strict";
    sqlx::query(table).execute(&mut connection).await.unwrap();
    connection
}

/// A statement outside of a transaction is one.
async fn insert(connection: &mut SqliteConnection, rows: &[Vec<u8>]) {
    let mut statement = QueryBuilder::<Sqlite>::new("insert into rows (bytes) ");
    statement.push_values(rows, |mut row, bytes| {
        row.push_bind(bytes);
    });
    statement.build().execute(connection).await.unwrap();
}

/// How often a second 4 KiB reach the disk, one write after the other.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures the time")]
pub(crate) fn fdatasync_rate(folder: &Path) -> f64 {
    const FOR: Duration = Duration::from_millis(200);
    let mut file = File::create(folder.join("probe")).unwrap();
    let begun = Instant::now();
    let mut times = 0;
    while begun.elapsed() < FOR {
        file.write_all(&[1; 4_096]).unwrap();
        file.sync_data().unwrap();
        times += 1;
    }
    f64::from(times) / begun.elapsed().as_secs_f64()
}

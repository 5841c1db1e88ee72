//! The one connection that writes.
//!
//! Changes wait in a queue. The writer takes all that wait, makes them in one transaction, commits, and only then answers
//! all of them: one flush to the disk serves many. Whoever asked may have gone meanwhile; the change is made all the same,
//! as a whole.
//!
//! A change that fails must not take the others with it, and must leave nothing of itself behind. So when anything fails,
//! the transaction is rolled back and each change gets one of its own. That is slow and rare: failures are those of the
//! disk. What a person can cause (a name that is taken, a message that was sent) is an outcome, not a failure.
//!
//! What is erased is overwritten in the database, but the write-ahead log still holds the pages of before, until it is
//! written over. So it is emptied after messages were erased, whenever that is asked for; and once a minute after rows of
//! vaults or seals were written over, which may hold keys that have died.

use std::time::Duration;

use async_trait::async_trait;
use relay::port::{Delivered, NewEnvelope, StoreError};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, query, query_scalar,
    sqlite::SqliteConnectOptions,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tracing::{error, warn};

use crate::{age::Age, deliver::deliver_all, error::store_error};

/// Changes that wait at most; who comes then waits for a place.
const MOST_WAITING: usize = 1_024;
/// Changes in one transaction at most: the last of them should not wait for long.
const MOST_TOGETHER: usize = 256;
/// Bytes of envelopes in one transaction, about: a hundred large ones are a transaction of their own.
const BYTES_TOGETHER: usize = 16 * 1024 * 1024;
/// How long the write-ahead log holds what was written over at most, while somebody asks for it to be emptied.
const OVERWRITTEN_STAYS: Duration = Duration::from_secs(60);
/// How long readers may take to finish before the log is left as it is until the next time.
const READERS_HAVE_MS: i64 = 100;

/// A change of the database other than a delivery; deliveries are made many at a time.
#[async_trait]
pub(crate) trait Change: Send + Sync + 'static {
    /// How it came out.
    type Outcome: Send;

    /// Makes the change within the transaction that is open. It may be called again after that was rolled back.
    async fn make(&self, connection: &mut SqliteConnection) -> Result<Self::Outcome, StoreError>;

    /// Whether messages were erased when it came out like this: the write-ahead log may still hold them.
    fn has_erased(_outcome: &Self::Outcome) -> bool {
        false
    }

    /// Whether it writes over what others should not find any more: a seal that was archived, a row of a vault that held keys.
    /// That happens all the time, so the write-ahead log is not emptied as soon.
    const OVERWRITES: bool = false;
}

/// Hands changes to the writer.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Waiting>,
}

enum Waiting {
    Delivery(Box<NewEnvelope>, Reply<Delivered>),
    Change(Box<dyn Job>),
    EmptyLog(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

impl Writer {
    /// Starts the writer on this runtime. `options` must be those of a database that is open and migrated.
    pub(crate) fn start(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        age: Option<Age>,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let connection = Some(connection);
        // What an earlier process erased may still be there.
        tokio::spawn(
            Task { connection, options, waiting, age, log_holds_erased: true, log_holds_overwritten: None }
                .run(),
        );
        Self { queue }
    }

    /// Makes a change; it is on disk when this returns `Ok`.
    pub(crate) async fn make<C: Change>(&self, change: C) -> Result<C::Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending { change, outcome: None, reply });
        self.queue.send(Waiting::Change(job)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Delivers an envelope; it is on disk when this returns `Ok`.
    pub(crate) async fn deliver(&self, envelope: NewEnvelope) -> Result<Delivered, StoreError> {
        let (reply, answer) = oneshot::channel();
        let delivery = Waiting::Delivery(Box::new(envelope), reply);
        self.queue.send(delivery).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Empties the write-ahead log, if it may hold what was erased. Where readers are in the way, that is left to the next
    /// time.
    pub(crate) async fn empty_log(&self) -> Result<(), StoreError> {
        let (emptied, is_emptied) = oneshot::channel();
        self.queue.send(Waiting::EmptyLog(emptied)).await.map_err(|_| StoreError::Closed)?;
        is_emptied.await.map_err(|_| StoreError::Closed)
    }

    /// Finishes what waits, and closes the connection.
    pub(crate) async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        if self.queue.send(Waiting::Close(closed)).await.is_ok() {
            let _gone_already = is_closed.await;
        }
    }
}

/// A change and who waits for it, whatever its outcome is.
#[async_trait]
trait Job: Send {
    async fn make(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError>;
    fn has_erased(&self) -> bool;
    fn overwrites(&self) -> bool;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Pending<C: Change> {
    change: C,
    outcome: Option<C::Outcome>,
    reply: Reply<C::Outcome>,
}

#[async_trait]
impl<C: Change> Job for Pending<C> {
    async fn make(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        self.outcome = Some(self.change.make(connection).await?);
        Ok(())
    }

    fn has_erased(&self) -> bool {
        self.outcome.as_ref().is_some_and(C::has_erased)
    }

    fn overwrites(&self) -> bool {
        C::OVERWRITES
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { change: _, outcome, reply } = *self;
        let _asker_gone = reply.send(committed.and_then(|()| outcome.ok_or(StoreError::Closed)));
    }
}

/// What is committed together.
#[derive(Default)]
struct Group {
    changes: Vec<Box<dyn Job>>,
    envelopes: Vec<NewEnvelope>,
    replies: Vec<Reply<Delivered>>,
    bytes: usize,
    empty_log: Vec<oneshot::Sender<()>>,
    close: Option<oneshot::Sender<()>>,
}

impl Group {
    fn add(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Delivery(envelope, reply) => {
                self.bytes += envelope.shared.len();
                self.bytes += envelope.deliveries.iter().map(|delivery| delivery.seal.len()).sum::<usize>();
                self.envelopes.push(*envelope);
                self.replies.push(reply);
            }
            Waiting::Change(job) => self.changes.push(job),
            Waiting::EmptyLog(emptied) => self.empty_log.push(emptied),
            Waiting::Close(closed) => self.close = Some(closed),
        }
    }

    fn is_full(&self) -> bool {
        self.changes.len() + self.envelopes.len() >= MOST_TOGETHER
            || self.bytes >= BYTES_TOGETHER
            || self.close.is_some()
    }
}

struct Task {
    /// `None` after a trouble that may have left the connection in the middle of a transaction.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    waiting: mpsc::Receiver<Waiting>,
    /// Counted by the process that the database belongs to.
    age: Option<Age>,
    /// Whether the write-ahead log may hold what was erased.
    log_holds_erased: bool,
    /// Since when it holds what was written over.
    log_holds_overwritten: Option<Instant>,
}

impl Task {
    async fn run(mut self) {
        while let Some(first) = self.waiting.recv().await {
            let mut group = Group::default();
            group.add(first);
            while !group.is_full() {
                let Ok(next) = self.waiting.try_recv() else { break };
                group.add(next);
            }
            let close = group.close.take();
            let empty_log = std::mem::take(&mut group.empty_log);
            self.commit(group).await;
            if !empty_log.is_empty() {
                self.empty_log().await;
            }
            for emptied in empty_log {
                let _asker_gone = emptied.send(());
            }
            if let Some(closed) = close {
                self.waiting.close();
                self.count_at_last().await;
                self.shut().await;
                let _asker_gone = closed.send(());
                return;
            }
        }
        self.shut().await;
    }

    /// Counts once more, so that a copy from before the last minute is noticed too.
    async fn count_at_last(&mut self) {
        let Some(mut age) = self.age.take() else { return };
        let counted = async {
            let mut connection = self.take_connection().await?;
            let (_, counted) = one_transaction(&mut connection, &mut [], &[], true).await?;
            self.connection = Some(connection);
            Ok::<_, StoreError>(counted)
        };
        match counted.await {
            Ok(counted) => counted.into_iter().for_each(|counted| age.note(counted)),
            Err(error) => warn!(%error, "the database's age was not counted at its end"),
        }
    }

    async fn shut(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            warn!(%error, "the database did not close cleanly; it is repaired when it is opened again");
        }
    }

    /// Makes all of the group together, or else each on its own.
    async fn commit(&mut self, group: Group) {
        let Group { mut changes, envelopes, replies, .. } = group;
        if changes.is_empty() && envelopes.is_empty() {
            return;
        }
        match self.try_together(&mut changes, &envelopes).await {
            Ok(delivered) => {
                changes.into_iter().for_each(|job| job.answer(Ok(())));
                for (reply, outcome) in replies.into_iter().zip(delivered) {
                    let _asker_gone = reply.send(Ok(outcome));
                }
            }
            // Each on its own would wait for the lock again, one after the other.
            Err(error) if changes.len() + envelopes.len() == 1 || matches!(error, StoreError::Locked) => {
                changes.into_iter().for_each(|job| job.answer(Err(error.clone())));
                for reply in replies {
                    let _asker_gone = reply.send(Err(error.clone()));
                }
            }
            Err(error) => {
                warn!(%error, "a group of changes failed: each is tried on its own");
                self.commit_one_by_one(changes, envelopes, replies).await;
            }
        }
    }

    async fn commit_one_by_one(
        &mut self,
        changes: Vec<Box<dyn Job>>,
        envelopes: Vec<NewEnvelope>,
        replies: Vec<Reply<Delivered>>,
    ) {
        for job in changes {
            let mut alone = [job];
            let result = self.try_together(&mut alone, &[]).await;
            let [job] = alone;
            job.answer(result.map(drop));
        }
        for (envelope, reply) in envelopes.into_iter().zip(replies) {
            let outcome = self.try_together(&mut [], std::slice::from_ref(&envelope)).await;
            let outcome = outcome.and_then(|mut delivered| delivered.pop().ok_or(StoreError::Closed));
            let _asker_gone = reply.send(outcome);
        }
    }

    /// One transaction: all of it is on disk, or nothing.
    async fn try_together(
        &mut self,
        changes: &mut [Box<dyn Job>],
        envelopes: &[NewEnvelope],
    ) -> Result<Vec<Delivered>, StoreError> {
        let mut connection = self.take_connection().await?;
        let counts = self.age.as_ref().is_some_and(Age::is_due);
        let result = one_transaction(&mut connection, changes, envelopes, counts).await;
        if let (Ok((_, Some(counted))), Some(age)) = (&result, &mut self.age) {
            age.note(*counted);
        }
        let result = result.map(|(delivered, _)| delivered);
        if result.is_ok() {
            self.log_holds_erased |= changes.iter().any(|job| job.has_erased());
            if changes.iter().any(|job| job.overwrites()) {
                self.log_holds_overwritten.get_or_insert_with(Instant::now);
            }
        }
        if result.is_ok() || is_idle(&mut connection).await {
            self.connection = Some(connection);
        } else {
            error!("the writing connection is replaced: it could not be rolled back");
            drop(connection);
        }
        result
    }

    async fn take_connection(&mut self) -> Result<SqliteConnection, StoreError> {
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.options.connect().await.map_err(store_error),
        }
    }

    /// Moves the write-ahead log into the database and cuts it to nothing, if it may hold what was erased.
    async fn empty_log(&mut self) {
        let is_overdue = |since: Instant| since.elapsed() >= OVERWRITTEN_STAYS;
        if !self.log_holds_erased && !self.log_holds_overwritten.is_some_and(is_overdue) {
            return;
        }
        match self.take_connection().await {
            Ok(mut connection) => {
                match truncate_log(&mut connection).await {
                    Ok(true) => (self.log_holds_erased, self.log_holds_overwritten) = (false, None),
                    Ok(false) => {}
                    Err(error) => warn!(%error, "the write-ahead log was not emptied; it is tried again"),
                }
                self.connection = Some(connection);
            }
            Err(error) => warn!(%error, "the write-ahead log was not emptied; it is tried again"),
        }
    }
}

/// `false`: somebody reads what is in the log. Those who write do not wait for that, so it is not waited for long.
async fn truncate_log(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let waits: i64 =
        query_scalar("pragma busy_timeout").fetch_one(&mut *connection).await.map_err(store_error)?;
    set_busy_timeout(connection, READERS_HAVE_MS.min(waits)).await?;
    // Only the pragma itself tells whether it came to its end; its columns have no types to be checked.
    let is_busy = query_scalar("pragma wal_checkpoint(truncate)").fetch_one(&mut *connection).await;
    set_busy_timeout(connection, waits).await?;
    let is_busy: i64 = is_busy.map_err(store_error)?;
    Ok(is_busy == 0)
}

async fn set_busy_timeout(connection: &mut SqliteConnection, ms: i64) -> Result<(), StoreError> {
    let pragma = AssertSqlSafe(format!("pragma busy_timeout = {ms}"));
    query(pragma).execute(connection).await.map(drop).map_err(store_error)
}

async fn one_transaction(
    connection: &mut SqliteConnection,
    changes: &mut [Box<dyn Job>],
    envelopes: &[NewEnvelope],
    counts: bool,
) -> Result<(Vec<Delivered>, Option<i64>), StoreError> {
    let mut transaction = connection.begin_with("begin immediate").await.map_err(store_error)?;
    for job in changes {
        job.make(&mut transaction).await?;
    }
    let delivered = deliver_all(&mut transaction, envelopes).await?;
    let counted = if counts { Some(Age::count(&mut transaction).await?) } else { None };
    transaction.commit().await.map_err(store_error)?;
    Ok((delivered, counted))
}

/// Whether the connection is outside of every transaction: after some errors SQLite rolls back by itself, and the
/// connection's own bookkeeping disagrees.
async fn is_idle(connection: &mut SqliteConnection) -> bool {
    let probe = async {
        let transaction = connection.begin_with("begin deferred").await?;
        transaction.rollback().await
    };
    matches!(tokio::time::timeout(Duration::from_secs(5), probe).await, Ok(Ok(())))
}

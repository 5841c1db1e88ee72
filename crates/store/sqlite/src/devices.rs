use async_trait::async_trait;
use crypto::{
    device::DevicePublic,
    device_log::{Change as Logged, LogEntry},
    id::{AccountId, DeviceId, Fingerprint, SessionId},
};
use relay::port::{Devices, LogOutcome, NewLogEntry, StoreError};
use sqlx::{SqliteConnection, SqliteExecutor, query};

use crate::{
    SqliteStore,
    error::store_error,
    prekeys::drop_pool,
    rows::{Table, integer},
    writer::Change,
};

const LOGS: Table = Table("device_logs");
const SESSIONS: Table = Table("sessions");

#[async_trait]
impl Devices for SqliteStore {
    async fn device_log(
        &self,
        account: AccountId,
        identity: Fingerprint,
        after: u32,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        read_log(&self.readers, account, identity, after, limit).await
    }

    async fn append_log(&self, entry: NewLogEntry) -> Result<LogOutcome, StoreError> {
        self.writer.make(Append(entry)).await
    }
}

async fn read_log(
    from: impl SqliteExecutor<'_>,
    account: AccountId,
    identity: Fingerprint,
    after: u32,
    limit: usize,
) -> Result<Vec<LogEntry>, StoreError> {
    let account = account.to_bytes().to_vec();
    let fingerprint = identity.to_bytes().to_vec();
    let limit = integer(limit as u64);
    let rows = query!(
        r#"
        select   entry
        from     device_logs
        where    account = ?1 and fingerprint = ?2 and position > ?3
        order by position
        limit    ?4
        "#,
        account,
        fingerprint,
        after,
        limit,
    )
    .fetch_all(from)
    .await
    .map_err(store_error)?;
    rows.iter().map(|row| LOGS.parse(&row.entry)).collect()
}

struct Append(NewLogEntry);

#[async_trait]
impl Change for Append {
    type Outcome = LogOutcome;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<LogOutcome, StoreError> {
        let NewLogEntry { account, entry, session, .. } = &self.0;
        let place = self.find_place(connection).await?;
        match place {
            Place::Taken => return Ok(LogOutcome::Conflict),
            Place::Next => self.insert_entry(connection).await?,
            Place::Own => {}
        }
        match entry.change() {
            Logged::Added(device, _)
                if place == Place::Own && self.is_revoked(connection, device).await? =>
            {
                Ok(LogOutcome::Conflict)
            }
            Logged::Added(device, key) => {
                bind_session(connection, *account, *session, device, &key).await?;
                Ok(LogOutcome::Done(Vec::new()))
            }
            Logged::Revoked(device) if place == Place::Next => {
                drop_pool(connection, *account, device).await?;
                end_sessions_of(connection, *account, device, *session).await.map(LogOutcome::Done)
            }
            Logged::Revoked(_) => Ok(LogOutcome::Done(Vec::new())),
        }
    }
}

/// What an entry's position is for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The next one of the log.
    Next,
    /// Where it stands already.
    Own,
    /// Another's, or past the next one, or of a log that does not grow any more.
    Taken,
}

impl Append {
    async fn find_place(&self, connection: &mut SqliteConnection) -> Result<Place, StoreError> {
        let NewLogEntry { account, identity, entry, .. } = &self.0;
        let account = account.to_bytes().to_vec();
        let fingerprint = identity.to_bytes().to_vec();
        let position = entry.position();
        let found = query!(
            r#"
            select (select max(position) from device_logs where account = ?1 and fingerprint = ?2)
                        as "last?: i64",
                   (select entry from device_logs where account = ?1 and fingerprint = ?2 and position = ?3)
                        as "standing?: Vec<u8>"
            from   published_keys
            where  account = ?1 and fingerprint = ?2
            "#,
            account,
            fingerprint,
            position,
        )
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
        Ok(match found {
            Some(log) if log.standing.as_deref() == Some(entry.to_bytes()) => Place::Own,
            Some(log) if log.last.unwrap_or(0) + 1 == i64::from(position) => Place::Next,
            Some(_) | None => Place::Taken,
        })
    }

    /// Whether an entry after this one revokes the device.
    async fn is_revoked(
        &self,
        connection: &mut SqliteConnection,
        device: DeviceId,
    ) -> Result<bool, StoreError> {
        let NewLogEntry { account, identity, entry, .. } = &self.0;
        let later = read_log(connection, *account, *identity, entry.position(), usize::MAX).await?;
        Ok(later.iter().any(|entry| entry.change() == Logged::Revoked(device)))
    }

    async fn insert_entry(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let NewLogEntry { account, identity, entry, .. } = &self.0;
        let account = account.to_bytes().to_vec();
        let fingerprint = identity.to_bytes().to_vec();
        let position = entry.position();
        let entry = entry.to_bytes().as_slice();
        query!(
            "insert into device_logs (account, fingerprint, position, entry) values (?1, ?2, ?3, ?4)",
            account,
            fingerprint,
            position,
            entry,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

async fn bind_session(
    connection: &mut SqliteConnection,
    account: AccountId,
    session: SessionId,
    device: DeviceId,
    key: &DevicePublic,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let session = session.to_bytes().to_vec();
    let device = device.to_bytes().to_vec();
    let key = key.to_bytes().to_vec();
    query!(
        "update sessions set device = ?3, device_key = ?4 where session = ?2 and account = ?1",
        account,
        session,
        device,
        key,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

async fn end_sessions_of(
    connection: &mut SqliteConnection,
    account: AccountId,
    device: DeviceId,
    by: SessionId,
) -> Result<Vec<SessionId>, StoreError> {
    let account = account.to_bytes().to_vec();
    let device = device.to_bytes().to_vec();
    let by = by.to_bytes().to_vec();
    query!(
        "update sessions set device = null, device_key = null where session = ?1 and account = ?2 and device = ?3",
        by,
        account,
        device,
    )
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    let ended =
        query!("delete from sessions where account = ?1 and device = ?2 returning session", account, device)
            .fetch_all(connection)
            .await
            .map_err(store_error)?;
    ended.iter().map(|row| SESSIONS.parse(&row.session)).collect()
}

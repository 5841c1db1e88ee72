use async_trait::async_trait;
use crypto::id::{AccountId, SessionId};
use protocol::Cursor;
use relay::port::{Expiry, LiveSession, NewSession, PasswordHash, Sessions, StoreError, StoredSession};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    proven::is_password,
    rows::{Table, integer},
    writer::Change,
};

const ACCOUNTS: Table = Table("accounts");
const MAILBOXES: Table = Table("mailboxes");
const SESSIONS: Table = Table("sessions");

#[async_trait]
impl Sessions for SqliteStore {
    async fn begin_session(
        &self,
        session: NewSession,
        expired: Expiry,
        proven: PasswordHash,
    ) -> Result<Option<Cursor>, StoreError> {
        self.writer.make(Begin { session, expired, proven }).await
    }

    async fn find_session(&self, session: SessionId) -> Result<Option<LiveSession>, StoreError> {
        let session = session.to_bytes().to_vec();
        let row = query!(
            r#"
            select session.account, session.created_at_ms, session.last_seen_at_ms, session.unlock_half,
                   session.device, session.device_key, account.username, account.kdf, mailbox.mailbox_end
            from   sessions as session
                   join accounts  as account on account.account = session.account
                   join mailboxes as mailbox on mailbox.account = session.account
            where  session.session = ?1
            "#,
            session,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.map(|row| {
            let device = match (&row.device, &row.device_key) {
                (Some(device), Some(key)) => Some((SESSIONS.parse(device)?, SESSIONS.parse(key)?)),
                _ => None,
            };
            Ok(LiveSession {
                account: SESSIONS.parse(&row.account)?,
                username: ACCOUNTS.username(&row.username)?,
                kdf: ACCOUNTS.parse(&row.kdf)?,
                created_at_ms: SESSIONS.number(row.created_at_ms)?,
                last_seen_at_ms: SESSIONS.number(row.last_seen_at_ms)?,
                unlock_half: SESSIONS.bytes(&row.unlock_half)?,
                mailbox_end: Cursor(MAILBOXES.number(row.mailbox_end)?),
                device,
            })
        })
        .transpose()
    }

    async fn touch_session(&self, session: SessionId, seen_at_ms: u64) -> Result<(), StoreError> {
        self.writer.make(Touch { session, seen_at_ms }).await
    }

    async fn end_session(&self, account: AccountId, session: SessionId) -> Result<bool, StoreError> {
        self.writer.make(End { account, session }).await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.writer.make(EndAll { account, except }).await
    }

    async fn list_sessions(&self, account: AccountId) -> Result<Vec<StoredSession>, StoreError> {
        let account = account.to_bytes().to_vec();
        let rows = query!(
            r#"
            select   session, device_name, created_at_ms, last_seen_at_ms, device
            from     sessions
            where    account = ?1
            order by last_seen_at_ms desc, created_at_ms desc, session
            "#,
            account,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(StoredSession {
                    session: SESSIONS.parse(&row.session)?,
                    device_name: row.device_name,
                    created_at_ms: SESSIONS.number(row.created_at_ms)?,
                    last_seen_at_ms: SESSIONS.number(row.last_seen_at_ms)?,
                    device: row.device.map(|device| SESSIONS.parse(&device)).transpose()?,
                })
            })
            .collect()
    }
}

struct Begin {
    session: NewSession,
    expired: Expiry,
    proven: PasswordHash,
}

#[async_trait]
impl Change for Begin {
    type Outcome = Option<Cursor>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<Cursor>, StoreError> {
        if !is_password(connection, self.session.account, &self.proven).await? {
            return Ok(None);
        }
        let account = self.session.account.to_bytes().to_vec();
        let created_before_ms = integer(self.expired.created_before_ms);
        let seen_before_ms = integer(self.expired.seen_before_ms);
        query!(
            r#"
            delete from sessions
            where       account = ?1 and (created_at_ms < ?2 or last_seen_at_ms < ?3)
            "#,
            account,
            created_before_ms,
            seen_before_ms,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        insert_session(connection, &self.session).await?;
        let row = query!("select mailbox_end from mailboxes where account = ?1", account)
            .fetch_one(connection)
            .await
            .map_err(store_error)?;
        Ok(Some(Cursor(MAILBOXES.number(row.mailbox_end)?)))
    }
}

/// Also the last step of a registration.
pub(crate) async fn insert_session(
    connection: &mut SqliteConnection,
    new: &NewSession,
) -> Result<(), StoreError> {
    let session = new.session.to_bytes().to_vec();
    let account = new.account.to_bytes().to_vec();
    let created_at_ms = integer(new.created_at_ms);
    let unlock_half = new.unlock_half.as_slice();
    query!(
        r#"
        insert into sessions (session, account, device_name, created_at_ms, last_seen_at_ms, unlock_half)
        values (?1, ?2, ?3, ?4, ?4, ?5)
        "#,
        session,
        account,
        new.device_name,
        created_at_ms,
        unlock_half,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

struct Touch {
    session: SessionId,
    seen_at_ms: u64,
}

#[async_trait]
impl Change for Touch {
    type Outcome = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let session = self.session.to_bytes().to_vec();
        let seen_at_ms = integer(self.seen_at_ms);
        query!("update sessions set last_seen_at_ms = ?2 where session = ?1", session, seen_at_ms)
            .execute(connection)
            .await
            .map(drop)
            .map_err(store_error)
    }
}

struct End {
    account: AccountId,
    session: SessionId,
}

#[async_trait]
impl Change for End {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let session = self.session.to_bytes().to_vec();
        query!("delete from sessions where session = ?2 and account = ?1", account, session)
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(store_error)
    }
}

struct EndAll {
    account: AccountId,
    except: Option<SessionId>,
}

#[async_trait]
impl Change for EndAll {
    type Outcome = Vec<SessionId>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Vec<SessionId>, StoreError> {
        end_sessions(connection, self.account, self.except).await
    }
}

/// Also a step of whatever makes an account's other sessions worthless.
pub(crate) async fn end_sessions(
    connection: &mut SqliteConnection,
    account: AccountId,
    except: Option<SessionId>,
) -> Result<Vec<SessionId>, StoreError> {
    let account = account.to_bytes().to_vec();
    let except = except.map(|session| session.to_bytes().to_vec());
    let ended = query!(
        "delete from sessions where account = ?1 and session is not ?2 returning session",
        account,
        except,
    )
    .fetch_all(connection)
    .await
    .map_err(store_error)?;
    ended.iter().map(|row| SESSIONS.parse(&row.session)).collect()
}

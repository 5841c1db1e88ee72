use async_trait::async_trait;
use relay::port::{DueMail, Mails, NewMail, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    rows::{Table, integer},
    writer::Change,
};

const MAILS: Table = Table("mails");

#[async_trait]
impl Mails for SqliteStore {
    async fn queue_mail(&self, mail: NewMail) -> Result<(), StoreError> {
        self.writer.make(Queue(mail)).await
    }

    async fn due_mails(&self, now_ms: u64, limit: u32) -> Result<Vec<DueMail>, StoreError> {
        self.writer.make(Due { now_ms, limit }).await
    }

    async fn next_mail_due_ms(&self) -> Result<Option<u64>, StoreError> {
        let row = query!(r#"select min(next_try_at_ms) as "next?: i64" from mails"#)
            .fetch_one(&self.readers)
            .await
            .map_err(store_error)?;
        row.next.map(|next| MAILS.number(next)).transpose()
    }

    async fn drop_mail(&self, mail: u64) -> Result<(), StoreError> {
        self.writer.make(DropMail { mail }).await
    }

    async fn postpone_mail(&self, mail: u64, next_try_at_ms: u64) -> Result<(), StoreError> {
        self.writer.make(Postpone { mail, next_try_at_ms }).await
    }
}

struct Queue(NewMail);

#[async_trait]
impl Change for Queue {
    type Outcome = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let queued_at_ms = integer(self.0.queued_at_ms);
        let expires_at_ms = integer(self.0.expires_at_ms);
        query!(
            r#"
            insert into mails (letter, queued_at_ms, next_try_at_ms, expires_at_ms)
            values (?1, ?2, ?2, ?3)
            "#,
            self.0.letter,
            queued_at_ms,
            expires_at_ms,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

struct Due {
    now_ms: u64,
    limit: u32,
}

#[async_trait]
impl Change for Due {
    type Outcome = Vec<DueMail>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Vec<DueMail>, StoreError> {
        let now_ms = integer(self.now_ms);
        query!("delete from mails where expires_at_ms <= ?1", now_ms)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        let rows = query!(
            r#"
            select   mail, letter, tries, expires_at_ms
            from     mails
            where    next_try_at_ms <= ?1
            order by expires_at_ms, mail
            limit    ?2
            "#,
            now_ms,
            self.limit,
        )
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(DueMail {
                    mail: MAILS.number(row.mail)?,
                    letter: row.letter,
                    tries: MAILS.small_number(row.tries)?,
                    expires_at_ms: MAILS.number(row.expires_at_ms)?,
                })
            })
            .collect()
    }
}

struct DropMail {
    mail: u64,
}

#[async_trait]
impl Change for DropMail {
    type Outcome = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mail = integer(self.mail);
        query!("delete from mails where mail = ?1", mail)
            .execute(connection)
            .await
            .map(drop)
            .map_err(store_error)
    }
}

struct Postpone {
    mail: u64,
    next_try_at_ms: u64,
}

#[async_trait]
impl Change for Postpone {
    type Outcome = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mail = integer(self.mail);
        let next_try_at_ms = integer(self.next_try_at_ms);
        query!(
            "update mails set tries = tries + 1, next_try_at_ms = ?2 where mail = ?1",
            mail,
            next_try_at_ms,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

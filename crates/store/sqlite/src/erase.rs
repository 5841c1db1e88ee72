use async_trait::async_trait;
use crypto::id::{AccountId, MessageId};
use relay::port::{ErasedMessages, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    error::store_error,
    packed::{Packed, numbers},
    rows::{Table, integer},
    writer::Change,
};

const DELIVERIES: Table = Table("deliveries");

/// Erases messages in one mailbox, or those of one sender in all.
pub(crate) struct Erase {
    pub(crate) account: AccountId,
    pub(crate) messages: Vec<MessageId>,
    pub(crate) for_everyone: bool,
}

#[async_trait]
impl Change for Erase {
    type Outcome = ErasedMessages;

    /// Also when there were none: others may have had what this account had erased before.
    fn has_erased(_: &ErasedMessages) -> bool {
        true
    }

    async fn make(&self, connection: &mut SqliteConnection) -> Result<ErasedMessages, StoreError> {
        let found = self.find_envelopes(connection).await?;
        let messages = empty_places_of(connection, self.account, &found).await?;
        if self.for_everyone {
            empty_places(connection, &found).await?;
        }
        empty_envelopes(connection, &found).await?;
        Ok(ErasedMessages { messages })
    }
}

impl Erase {
    /// Those of the messages that may be erased.
    async fn find_envelopes(&self, connection: &mut SqliteConnection) -> Result<String, StoreError> {
        let mut packed = Packed::default();
        for message in &self.messages {
            packed.push(&[&message.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let account = self.account.to_bytes().to_vec();
        let found = query!(
            r#"
            select envelope
            from   envelopes
            where  message in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
                   and (not ?3 or sender = ?4)
            "#,
            bytes,
            rows,
            self.for_everyone,
            account,
        )
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
        Ok(numbers(found.iter().map(|row| row.envelope)))
    }
}

/// Erases in all mailboxes what was to disappear by now.
pub(crate) struct EraseExpired {
    pub(crate) now_ms: u64,
    pub(crate) limit: usize,
}

#[async_trait]
impl Change for EraseExpired {
    type Outcome = usize;

    fn has_erased(envelopes: &usize) -> bool {
        *envelopes > 0
    }

    async fn make(&self, connection: &mut SqliteConnection) -> Result<usize, StoreError> {
        let now_ms = integer(self.now_ms);
        let limit = integer(self.limit as u64);
        let expired = query!(
            r#"
            select   envelope
            from     envelopes
            where    expires_at_ms <= ?1
            order by expires_at_ms
            limit    ?2
            "#,
            now_ms,
            limit,
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(store_error)?;
        if !expired.is_empty() {
            let envelopes = numbers(expired.iter().map(|row| row.envelope));
            empty_places(connection, &envelopes).await?;
            empty_envelopes(connection, &envelopes).await?;
        }
        Ok(expired.len())
    }
}

/// How many places of this account held anything.
async fn empty_places_of(
    connection: &mut SqliteConnection,
    account: AccountId,
    envelopes: &str,
) -> Result<u32, StoreError> {
    let account = account.to_bytes().to_vec();
    // The sign keeps SQLite from walking through the whole mailbox: the envelopes are few.
    let emptied = query!(
        r#"
        update deliveries
        set    state = 4, seal = x'', epoch = null, archived = null
        where  envelope in (select row.value from json_each(?1) as row) and +account = ?2 and state <> 4
        "#,
        envelopes,
        account,
    )
    .execute(connection)
    .await
    .map_err(store_error)?;
    DELIVERIES.small_number(integer(emptied.rows_affected()))
}

async fn empty_places(connection: &mut SqliteConnection, envelopes: &str) -> Result<(), StoreError> {
    query!(
        r#"
        update deliveries
        set    state = 4, seal = x'', epoch = null, archived = null
        where  envelope in (select row.value from json_each(?1) as row) and state <> 4
        "#,
        envelopes,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

/// Of those of these envelopes that nobody has any more, nothing but the row stays.
async fn empty_envelopes(connection: &mut SqliteConnection, envelopes: &str) -> Result<(), StoreError> {
    query!(
        r#"
        update envelopes
        set    shared = x'', expires_at_ms = null
        where  envelope in (select row.value from json_each(?1) as row)
               and not exists (
                   select 1
                   from   deliveries as delivery
                   where  delivery.envelope = envelopes.envelope and delivery.state <> 4
               )
        "#,
        envelopes,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

use async_trait::async_trait;
use relay::port::{Counter, Counters, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
    writer::Change,
};

const COUNTERS: Table = Table("counters");

#[async_trait]
impl Counters for SqliteStore {
    async fn load_counters(&self) -> Result<Vec<Counter>, StoreError> {
        let rows = query!("select purpose, subject, level, at_ms from counters")
            .fetch_all(&self.readers)
            .await
            .map_err(store_error)?;
        rows.iter()
            .map(|row| {
                Ok(Counter {
                    purpose: u8::try_from(row.purpose)
                        .map_err(|_| COUNTERS.corrupt("a purpose is too large"))?,
                    subject: COUNTERS.bytes(&row.subject)?,
                    level: COUNTERS.number(row.level)?,
                    at_ms: COUNTERS.number(row.at_ms)?,
                })
            })
            .collect()
    }

    async fn save_counters(&self, counters: Vec<Counter>) -> Result<(), StoreError> {
        self.writer.make(Save(counters)).await
    }
}

struct Save(Vec<Counter>);

#[async_trait]
impl Change for Save {
    type Outcome = ();

    /// All of them are written, and those whose level is 0 are not written again.
    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut all = Packed::default();
        for counter in &self.0 {
            let numbers = [i64::from(counter.purpose), integer(counter.level), integer(counter.at_ms)];
            all.push(&[&counter.subject], &numbers);
        }
        let (bytes, rows) = all.into_parameters();
        query!(
            r#"
            delete from counters
            where       (purpose, subject) in (
                            select row.value ->> 1, substr(?1, row.value ->> 0, 16) from json_each(?2) as row
                        )
            "#,
            bytes,
            rows,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        query!(
            r#"
            insert into counters (purpose, subject, level, at_ms)
            select row.value ->> 1, substr(?1, row.value ->> 0, 16), row.value ->> 2, row.value ->> 3
            from   json_each(?2) as row
            where  row.value ->> 2 > 0
            on conflict (purpose, subject) do update set level = excluded.level, at_ms = excluded.at_ms
            "#,
            bytes,
            rows,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

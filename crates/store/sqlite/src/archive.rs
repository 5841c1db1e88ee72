use std::collections::HashSet;

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::mailbox::{ArchivedKey, ArchivedPlace};
use relay::port::StoreError;
use sqlx::{SqliteConnection, query};

use crate::{error::store_error, packed::Packed, rows::integer, writer::Change};

/// Puts archived keys in the place of seals.
pub(crate) struct Archive {
    pub(crate) account: AccountId,
    pub(crate) keys: Vec<ArchivedPlace>,
}

#[async_trait]
impl Change for Archive {
    type Outcome = ();
    const OVERWRITES: bool = true;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let mut first = HashSet::new();
        let mut packed = Packed::default();
        for ArchivedPlace { cursor, message, key: ArchivedKey { epoch, sealed } } in &self.keys {
            // Of two keys for one place, the second comes too late.
            if first.insert((*cursor, *message)) {
                packed.push(
                    &[&message.to_bytes(), &epoch.to_bytes(), &sealed.0],
                    &[integer(cursor.0), integer(sealed.0.len() as u64)],
                );
            }
        }
        let (bytes, rows) = packed.into_parameters();
        let account = self.account.to_bytes().to_vec();
        query!(
            r#"
            with new as materialized (
                select     delivery.rowid                                      as place,
                           substr(?1, (row.value ->> 0) + 16, 16)              as epoch,
                           substr(?1, (row.value ->> 0) + 32, row.value ->> 2) as archived
                from       json_each(?2) as row
                cross join deliveries as delivery on delivery.account = ?3 and delivery.cursor = row.value ->> 1
                join       envelopes  as envelope on envelope.envelope = delivery.envelope
                where      delivery.state = 1 and envelope.message = substr(?1, row.value ->> 0, 16)
            )
            update deliveries
            set    state = 2, seal = x'', epoch = new.epoch, archived = new.archived
            from   new
            where  deliveries.rowid = new.place
            "#,
            bytes,
            rows,
            account,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{Binary, vault::Row};
use relay::port::{PutOutcome, StoreError, VaultRoom, VaultRows};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    rows::{Table, integer},
    writer::Change,
};

const VAULT_ROWS: Table = Table("vault_rows");

#[async_trait]
impl VaultRows for SqliteStore {
    async fn vault_rows(&self, account: AccountId) -> Result<Vec<Row>, StoreError> {
        let account = account.to_bytes().to_vec();
        let rows = query!(
            r#"
            select   kind, key_id, version, sealed
            from     vault_rows
            where    account = ?1
            order by kind, key_id
            "#,
            account,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(Row {
                    kind: VAULT_ROWS.vault_kind(row.kind)?,
                    key_id: Binary(row.key_id),
                    version: VAULT_ROWS.number(row.version)?,
                    sealed: Binary(row.sealed),
                })
            })
            .collect()
    }

    async fn put_vault_row(
        &self,
        account: AccountId,
        row: Row,
        after: u64,
        room: VaultRoom,
    ) -> Result<PutOutcome, StoreError> {
        self.writer.make(Put { account, row, after, room }).await
    }
}

struct Put {
    account: AccountId,
    row: Row,
    after: u64,
    room: VaultRoom,
}

#[async_trait]
impl Change for Put {
    type Outcome = PutOutcome;
    const OVERWRITES: bool = true;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<PutOutcome, StoreError> {
        let Row { kind, key_id, version, sealed } = &self.row;
        let account = self.account.to_bytes().to_vec();
        let kind = *kind as i64;
        let version = integer(*version);
        let standing = query!(
            "select version, sealed from vault_rows where account = ?1 and kind = ?2 and key_id = ?3",
            account,
            kind,
            key_id.0,
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
        if standing.as_ref().is_some_and(|row| row.version == version && row.sealed == sealed.0) {
            return Ok(PutOutcome::Done);
        }
        if standing.as_ref().map_or(0, |row| row.version) != integer(self.after) {
            return Ok(PutOutcome::VersionConflict);
        }
        let before = standing.as_ref().map_or(0, |row| row.sealed.len());
        if sealed.0.len() > before {
            let held = query!(
                r#"
                select count(*) as "rows: i64", coalesce(sum(length(sealed)), 0) as "bytes!: i64"
                from   vault_rows
                where  account = ?1
                "#,
                account,
            )
            .fetch_one(&mut *connection)
            .await
            .map_err(store_error)?;
            let grown = integer((sealed.0.len() - before) as u64);
            if standing.is_none() && held.rows >= integer(self.room.rows as u64)
                || held.bytes + grown > integer(self.room.bytes as u64)
            {
                return Ok(PutOutcome::Full);
            }
        }
        query!(
            r#"
            insert into vault_rows (account, kind, key_id, version, sealed)
            values (?1, ?2, ?3, ?4, ?5)
            on conflict (account, kind, key_id) do update set version = excluded.version, sealed = excluded.sealed
            "#,
            account,
            kind,
            key_id.0,
            version,
            sealed.0,
        )
        .execute(connection)
        .await
        .map_err(store_error)?;
        Ok(PutOutcome::Done)
    }
}

use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{Binary, vault::Row};
use relay::port::{SealedVaults, StoreError, StoredSealedVault};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    rows::{Table, integer},
    writer::Change,
};

const ROWS: Table = Table("sealed_vault_rows");
const VAULTS: Table = Table("sealed_vaults");

#[async_trait]
impl SealedVaults for SqliteStore {
    /// Two statements without a transaction: a vault that was put away never changes, and its number is never given
    /// again. So when it is still there after its rows were read, they were all of them.
    async fn find_sealed_vault(
        &self,
        account: AccountId,
        number: u32,
    ) -> Result<Option<StoredSealedVault>, StoreError> {
        let account = account.to_bytes().to_vec();
        let rows = query!(
            r#"
            select   kind, key_id, version, sealed
            from     sealed_vault_rows
            where    account = ?1 and number = ?2
            order by kind, key_id
            "#,
            account,
            number,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        let vault = query!(
            r#"
            select identity, kdf, sealed_wrap, wrapped_by_recovery_key
            from   sealed_vaults
            where  account = ?1 and number = ?2
            "#,
            account,
            number,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        let Some(vault) = vault else { return Ok(None) };
        let rows = rows.into_iter().map(|row| {
            Ok(Row {
                kind: ROWS.vault_kind(row.kind)?,
                key_id: Binary(row.key_id),
                version: ROWS.number(row.version)?,
                sealed: Binary(row.sealed),
            })
        });
        Ok(Some(StoredSealedVault {
            identity: VAULTS.parse(&vault.identity)?,
            kdf: VAULTS.parse(&vault.kdf)?,
            sealed_wrap: vault.sealed_wrap,
            wrapped_by_recovery_key: VAULTS.parse(&vault.wrapped_by_recovery_key)?,
            rows: rows.collect::<Result<_, StoreError>>()?,
        }))
    }

    async fn drop_sealed_vault(&self, account: AccountId, number: u32) -> Result<bool, StoreError> {
        self.writer.make(DropVault { account, number }).await
    }
}

/// Takes all rows out of the account's vault and keeps them under the next number, with the wraps and the identity key
/// that stand at the moment.
pub(crate) async fn put_vault_away(
    connection: &mut SqliteConnection,
    account: AccountId,
    at_ms: u64,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let at_ms = integer(at_ms);
    let number = query!(
        r#"
        update    accounts
        set       last_sealed_vault = last_sealed_vault + 1
        where     account = ?1
        returning last_sealed_vault
        "#,
        account,
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(store_error)?
    .last_sealed_vault;
    query!(
        r#"
        insert into sealed_vaults
               (account, number, sealed_at_ms, identity, kdf, sealed_wrap, wrapped_by_recovery_key)
        select account.account, ?2, ?3, keys.identity, account.kdf, account.sealed_wrap,
               account.wrapped_by_recovery_key
        from   accounts as account
               join published_keys as keys on keys.account = account.account
        where  account.account = ?1
        "#,
        account,
        number,
        at_ms,
    )
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    query!(
        r#"
        insert into sealed_vault_rows (account, number, kind, key_id, version, sealed)
        select account, ?2, kind, key_id, version, sealed
        from   vault_rows
        where  account = ?1
        "#,
        account,
        number,
    )
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    query!("delete from vault_rows where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

struct DropVault {
    account: AccountId,
    number: u32,
}

#[async_trait]
impl Change for DropVault {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        query!("delete from sealed_vault_rows where account = ?1 and number = ?2", account, self.number)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        query!("delete from sealed_vaults where account = ?1 and number = ?2", account, self.number)
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(store_error)
    }
}

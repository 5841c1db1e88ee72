use async_trait::async_trait;
use crypto::id::SessionId;
use relay::port::{Proven, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    error::store_error, prekeys::drop_pools, proven::still_holds, rows::integer, sessions::end_sessions,
    writer::Change,
};

/// Deletes an account, with all that is its own.
pub(crate) struct DeleteAccount {
    pub(crate) proven: Proven,
    pub(crate) at_ms: u64,
}

#[async_trait]
impl Change for DeleteAccount {
    type Outcome = Option<Vec<SessionId>>;

    fn has_erased(deleted: &Option<Vec<SessionId>>) -> bool {
        deleted.is_some()
    }

    /// What refers to something goes before it.
    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<Vec<SessionId>>, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(None);
        }
        let account = self.proven.account.to_bytes().to_vec();
        let at_ms = integer(self.at_ms);
        query!(
            r#"
            insert into deleted_accounts (account, username, deleted_at_ms)
            select account, username, ?2
            from   accounts
            where  account = ?1
            "#,
            account,
            at_ms,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        let ended = end_sessions(connection, self.proven.account, None).await?;
        empty_mailbox(connection, &account).await?;
        drop_pools(connection, self.proven.account).await?;
        for deleted in [
            query!("delete from sealed_vault_rows where account = ?1", account),
            query!("delete from sealed_vaults     where account = ?1", account),
            query!("delete from vault_rows        where account = ?1", account),
            query!("delete from published_keys    where account = ?1", account),
            query!("delete from recovery_codes    where account = ?1", account),
            query!("delete from totp_secrets      where account = ?1", account),
            query!("delete from resets            where account = ?1", account),
            query!("delete from email_wishes      where account = ?1", account),
            query!("delete from mailboxes         where account = ?1", account),
            query!("delete from accounts          where account = ?1", account),
        ] {
            deleted.execute(&mut *connection).await.map_err(store_error)?;
        }
        Ok(Some(ended))
    }
}

/// The rows of envelopes stay, so that sending one again is known to be that; of those that nobody else has any more,
/// nothing but the row stays.
async fn empty_mailbox(connection: &mut SqliteConnection, account: &[u8]) -> Result<(), StoreError> {
    query!(
        r#"
        update envelopes
        set    shared = x'', expires_at_ms = null
        where  envelope in (select envelope from deliveries where account = ?1)
               and not exists (
                   select 1
                   from   deliveries as other
                   where  other.envelope = envelopes.envelope and other.account <> ?1 and other.state <> 4
               )
        "#,
        account,
    )
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    query!("delete from deliveries where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

use async_trait::async_trait;
use crypto::{
    device_log::LogEntry,
    id::{AccountId, LogHash},
};
use protocol::{
    Username,
    directory::{KeyBundle, User},
};
use relay::port::{Directory, StoreError};
use sqlx::query;

use crate::{
    SqliteStore,
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
};

const ACCOUNTS: Table = Table("accounts");
const DELETED: Table = Table("deleted_accounts");
const KEYS: Table = Table("published_keys");
const LOGS: Table = Table("device_logs");

/// The head of a device log without entries.
const NO_ENTRY: LogHash = LogHash::from_bytes([0; 32]);

#[async_trait]
impl Directory for SqliteStore {
    async fn list_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let after = after.map_or("", Username::as_str);
        let limit = integer(limit as u64);
        // The second comparison lets the index find where the prefix begins.
        let rows = query!(
            r#"
            select   account, username
            from     accounts
            where    username > ?1 and username >= ?2 and substr(username, 1, length(?2)) = ?2
            order by username
            limit    ?3
            "#,
            after,
            prefix,
            limit,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        rows.iter()
            .map(|row| {
                Ok(User {
                    account: ACCOUNTS.parse(&row.account)?,
                    username: ACCOUNTS.username(&row.username)?,
                })
            })
            .collect()
    }

    async fn find_deleted(&self, accounts: &[AccountId]) -> Result<Vec<AccountId>, StoreError> {
        let mut packed = Packed::default();
        for account in accounts {
            packed.push(&[&account.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let found = query!(
            r#"
            select account
            from   deleted_accounts
            where  account in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
            "#,
            bytes,
            rows,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        found.iter().map(|row| DELETED.parse(&row.account)).collect()
    }

    async fn find_keys(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, StoreError> {
        let mut packed = Packed::default();
        for account in accounts {
            packed.push(&[&account.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let found = query!(
            r#"
            select keys.account, account.username, keys.identity, keys.prekey, keys.prekey_at_ms,
                   last.entry as "last_entry?"
            from   published_keys as keys
                   join accounts as account on account.account = keys.account
                   left join device_logs as last
                          on last.account = keys.account and last.fingerprint = keys.fingerprint
                             and last.position = (
                                 select max(log.position)
                                 from   device_logs as log
                                 where  log.account = keys.account and log.fingerprint = keys.fingerprint
                             )
            where  keys.account in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
            "#,
            bytes,
            rows,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        found
            .iter()
            .map(|row| {
                let account = KEYS.parse(&row.account)?;
                let last: Option<LogEntry> =
                    row.last_entry.as_ref().map(|entry| LOGS.parse(entry)).transpose()?;
                Ok(KeyBundle {
                    account,
                    username: ACCOUNTS.username(&row.username)?,
                    identity: KEYS.parse(&row.identity)?,
                    prekey: KEYS.parse(&row.prekey)?,
                    prekey_at_ms: KEYS.number(row.prekey_at_ms)?,
                    log_length: last.as_ref().map_or(0, LogEntry::position),
                    log_head: last.map_or(NO_ENTRY, |last| last.hash(account)),
                })
            })
            .collect()
    }
}

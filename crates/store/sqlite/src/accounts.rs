use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{
    Username,
    directory::{KeyBundle, User},
};
use relay::port::{
    Accounts, Credentials, Directory, NewAccount, NewSession, PasswordHash, Registered, StoreError,
};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
    sessions::insert_session,
    writer::Change,
};

const ACCOUNTS: Table = Table("accounts");
const KEYS: Table = Table("published_keys");

#[async_trait]
impl Accounts for SqliteStore {
    async fn register(&self, account: NewAccount, session: NewSession) -> Result<Registered, StoreError> {
        self.writer.make(Register { account, session }).await
    }

    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        let username = username.as_str();
        let row = query!(
            "select account, kdf, password_hash, sealed_wrap from accounts where username = ?1",
            username,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.map(|row| {
            Ok(Credentials {
                account: ACCOUNTS.parse(&row.account)?,
                kdf: ACCOUNTS.parse(&row.kdf)?,
                password_hash: PasswordHash::from_stored(row.password_hash),
                sealed_wrap: row.sealed_wrap,
            })
        })
        .transpose()
    }
}

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

    async fn find_keys(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, StoreError> {
        let mut packed = Packed::default();
        for account in accounts {
            packed.push(&[&account.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let found = query!(
            r#"
            select keys.account, account.username, keys.identity, keys.prekey
            from   published_keys as keys
                   join accounts as account on account.account = keys.account
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
                Ok(KeyBundle {
                    account: KEYS.parse(&row.account)?,
                    username: ACCOUNTS.username(&row.username)?,
                    identity: KEYS.parse(&row.identity)?,
                    prekey: KEYS.parse(&row.prekey)?,
                })
            })
            .collect()
    }
}

struct Register {
    account: NewAccount,
    session: NewSession,
}

#[async_trait]
impl Change for Register {
    type Outcome = Registered;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Registered, StoreError> {
        if let Some(taken) = self.find_taken(connection).await? {
            return Ok(taken);
        }
        self.insert_account(connection).await?;
        self.insert_keys(connection).await?;
        self.insert_vault(connection).await?;
        insert_session(connection, &self.session).await?;
        Ok(Registered::Done)
    }
}

impl Register {
    /// Only one writes at a time, so what is free now is free when the rows are inserted.
    async fn find_taken(&self, connection: &mut SqliteConnection) -> Result<Option<Registered>, StoreError> {
        let account = self.account.account.to_bytes().to_vec();
        let username = self.account.username.as_str();
        let row = query!(
            r#"
            select exists (select 1 from accounts where username = ?1) as "username: bool",
                   exists (select 1 from accounts where account  = ?2) as "account: bool"
            "#,
            username,
            account,
        )
        .fetch_one(connection)
        .await
        .map_err(store_error)?;
        Ok(match row {
            row if row.username => Some(Registered::UsernameTaken),
            row if row.account => Some(Registered::AccountTaken),
            _ => None,
        })
    }

    async fn insert_account(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let new = &self.account;
        let account = new.account.to_bytes().to_vec();
        let username = new.username.as_str();
        let kdf = new.kdf.to_bytes().to_vec();
        let password_hash = new.password_hash.as_str();
        let wrapped_by_recovery_key = new.wrapped_by_recovery_key.to_bytes().to_vec();
        let created_at_ms = integer(new.created_at_ms);
        query!(
            r#"
            insert into accounts (account, username, email, kdf, password_hash, sealed_wrap,
                                  wrapped_by_recovery_key, created_at_ms)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            "#,
            account,
            username,
            new.email,
            kdf,
            password_hash,
            new.sealed_wrap,
            wrapped_by_recovery_key,
            created_at_ms,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        query!("insert into mailboxes (account, mailbox_end) values (?1, 0)", account)
            .execute(connection)
            .await
            .map(drop)
            .map_err(store_error)
    }

    async fn insert_keys(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let new = &self.account;
        let account = new.account.to_bytes().to_vec();
        let identity = new.identity.to_bytes().to_vec();
        let fingerprint = new.identity.fingerprint().to_bytes().to_vec();
        let prekey_id = i64::from(new.prekey.id().0);
        let prekey = new.prekey.to_bytes();
        query!(
            r#"
            insert into published_keys (account, identity, fingerprint, prekey_id, prekey)
            values (?1, ?2, ?3, ?4, ?5)
            "#,
            account,
            identity,
            fingerprint,
            prekey_id,
            prekey,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }

    async fn insert_vault(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let account = self.account.account.to_bytes().to_vec();
        for row in &self.account.vault {
            let kind = row.kind as i64;
            query!(
                "insert into vault_rows (account, kind, key_id, version, sealed) values (?1, ?2, ?3, 1, ?4)",
                account,
                kind,
                row.key_id.0,
                row.sealed.0,
            )
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        }
        Ok(())
    }
}

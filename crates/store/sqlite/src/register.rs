use async_trait::async_trait;
use crypto::id::AccountId;
use protocol::{EmailAddress, vault::NewRow};
use relay::port::{InviteUse, NewAccount, NewSession, Registered, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    error::store_error, invites::use_invite, rows::integer, sessions::insert_session, writer::Change,
};

/// Makes an account, with everything that it begins with.
pub(crate) struct Register {
    pub(crate) account: NewAccount,
    pub(crate) session: NewSession,
    pub(crate) invite: Option<InviteUse>,
}

#[async_trait]
impl Change for Register {
    type Outcome = Registered;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Registered, StoreError> {
        if let Some(taken) = self.find_taken(connection).await? {
            return Ok(taken);
        }
        // The last thing that can be refused: an invitation that is used up has its account.
        if let Some(invite) = self.invite
            && !use_invite(connection, invite).await?
        {
            return Ok(Registered::InviteRefused);
        }
        self.insert_account(connection).await?;
        self.insert_keys(connection).await?;
        insert_vault(connection, self.account.account, &self.account.vault).await?;
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
            select exists (select 1 from accounts         where username = ?1)
                or exists (select 1 from deleted_accounts where username = ?1) as "username!: bool",
                   exists (select 1 from accounts         where account  = ?2)
                or exists (select 1 from deleted_accounts where account  = ?2) as "account!: bool"
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
        let email = new.email.as_ref().map(EmailAddress::as_str);
        let kdf = new.kdf.to_bytes().to_vec();
        let password_hash = new.password_hash.as_str();
        let wrapped_by_recovery_key = new.wrapped_by_recovery_key.to_bytes().to_vec();
        let created_at_ms = integer(new.created_at_ms);
        query!(
            r#"
            insert into accounts (account, username, email, kdf, password_hash, sealed_wrap,
                                  wrapped_by_recovery_key, recovery_key_made_at_ms, created_at_ms)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
            "#,
            account,
            username,
            email,
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
        let created_at_ms = integer(new.created_at_ms);
        query!(
            r#"
            insert into published_keys (account, identity, fingerprint, prekey_id, prekey, prekey_at_ms)
            values (?1, ?2, ?3, ?4, ?5, ?6)
            "#,
            account,
            identity,
            fingerprint,
            prekey_id,
            prekey,
            created_at_ms,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

/// The first rows of a vault: of a new account, or of one whose keys are replaced.
pub(crate) async fn insert_vault(
    connection: &mut SqliteConnection,
    account: AccountId,
    rows: &[NewRow],
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    for row in rows {
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

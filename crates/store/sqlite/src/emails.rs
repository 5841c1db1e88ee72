use async_trait::async_trait;
use crypto::id::{AccountId, TokenHash};
use protocol::EmailAddress;
use relay::port::{ArmedEmail, ConfirmedEmail, Emails, Proven, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    proven::still_holds,
    resets::forget_reset,
    rows::{Table, email, integer},
    writer::Change,
};

const ACCOUNTS: Table = Table("accounts");
const WISHES: Table = Table("email_wishes");

#[async_trait]
impl Emails for SqliteStore {
    async fn wish_email(
        &self,
        proven: Proven,
        email: Option<EmailAddress>,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        match email {
            Some(email) => self.writer.make(Wish { proven, email, at_ms }).await,
            None => self.writer.make(Remove { proven }).await,
        }
    }

    async fn arm_email(
        &self,
        account: AccountId,
        token: TokenHash,
        at_ms: u64,
    ) -> Result<Option<ArmedEmail>, StoreError> {
        self.writer.make(Arm { account, token, at_ms }).await
    }

    async fn confirm_email(
        &self,
        token: TokenHash,
        armed_after_ms: u64,
    ) -> Result<Option<ConfirmedEmail>, StoreError> {
        self.writer.make(Confirm { token, armed_after_ms }).await
    }
}

struct Wish {
    proven: Proven,
    email: EmailAddress,
    at_ms: u64,
}

#[async_trait]
impl Change for Wish {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(false);
        }
        let account = self.proven.account.to_bytes().to_vec();
        let email = self.email.as_str();
        let at_ms = integer(self.at_ms);
        query!(
            r#"
            insert into email_wishes (account, email, wished_at_ms)
            values (?1, ?2, ?3)
            on conflict (account) do update set email        = excluded.email,
                                                wished_at_ms = excluded.wished_at_ms,
                                                token_hash   = null,
                                                armed_at_ms  = null
            "#,
            account,
            email,
            at_ms,
        )
        .execute(connection)
        .await
        .map_err(store_error)?;
        Ok(true)
    }
}

struct Remove {
    proven: Proven,
}

#[async_trait]
impl Change for Remove {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(false);
        }
        set_email(connection, self.proven.account, None).await?;
        Ok(true)
    }
}

/// Sets the address or removes it; the wish is fulfilled, or void.
async fn set_email(
    connection: &mut SqliteConnection,
    account: AccountId,
    email: Option<&str>,
) -> Result<(), StoreError> {
    let id = account.to_bytes().to_vec();
    query!("update accounts set email = ?2 where account = ?1", id, email)
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    forget_wish(connection, account).await
}

/// Makes the account's wish worthless, with the token that would confirm it. Also a step of whatever sets a password:
/// the wish may be that of whoever knew the one before.
pub(crate) async fn forget_wish(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    query!("delete from email_wishes where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

struct Arm {
    account: AccountId,
    token: TokenHash,
    at_ms: u64,
}

#[async_trait]
impl Change for Arm {
    type Outcome = Option<ArmedEmail>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<ArmedEmail>, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let token = self.token.to_bytes().to_vec();
        let at_ms = integer(self.at_ms);
        query!(
            "update email_wishes set token_hash = ?2, armed_at_ms = ?3 where account = ?1",
            account,
            token,
            at_ms,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        let row = query!(
            r#"
            select account.username, wish.email
            from   email_wishes as wish
                   join accounts as account on account.account = wish.account
            where  wish.account = ?1
            "#,
            account,
        )
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
        row.map(|row| {
            Ok(ArmedEmail { username: ACCOUNTS.username(&row.username)?, email: wished(&row.email)? })
        })
        .transpose()
    }
}

struct Confirm {
    token: TokenHash,
    armed_after_ms: u64,
}

#[async_trait]
impl Change for Confirm {
    type Outcome = Option<ConfirmedEmail>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<ConfirmedEmail>, StoreError> {
        let token = self.token.to_bytes().to_vec();
        let armed_after_ms = integer(self.armed_after_ms);
        let row = query!(
            r#"
            select wish.account, wish.email, account.username, account.email as before
            from   email_wishes as wish
                   join accounts as account on account.account = wish.account
            where  wish.token_hash = ?1 and wish.armed_at_ms > ?2
            "#,
            token,
            armed_after_ms,
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let account = WISHES.parse(&row.account)?;
        set_email(connection, account, Some(&row.email)).await?;
        forget_reset(connection, account).await?;
        Ok(Some(ConfirmedEmail {
            account,
            username: ACCOUNTS.username(&row.username)?,
            before: email(row.before.as_deref()),
            now: wished(&row.email)?,
        }))
    }
}

fn wished(text: &str) -> Result<EmailAddress, StoreError> {
    text.parse().map_err(|problem| WISHES.corrupt(problem))
}

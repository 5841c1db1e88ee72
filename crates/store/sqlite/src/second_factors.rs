use async_trait::async_trait;
use crypto::id::{AccountId, SessionId, TokenHash};
use relay::port::{Proven, SecondFactors, StoreError, StoredTotp};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    packed::Packed,
    proven::still_holds,
    rows::{Table, integer},
    sessions::end_sessions,
    writer::Change,
};

const TOTP_SECRETS: Table = Table("totp_secrets");

#[async_trait]
impl SecondFactors for SqliteStore {
    async fn begin_totp(&self, proven: Proven, sealed_secret: Vec<u8>) -> Result<bool, StoreError> {
        self.writer.make(Begin { proven, sealed_secret }).await
    }

    async fn find_pending_totp(&self, account: AccountId) -> Result<Option<Vec<u8>>, StoreError> {
        let account = account.to_bytes().to_vec();
        query!("select sealed_secret from totp_secrets where account = ?1 and enabled_at_ms is null", account)
            .fetch_optional(&self.readers)
            .await
            .map(|row| row.map(|row| row.sealed_secret))
            .map_err(store_error)
    }

    async fn enable_totp(
        &self,
        account: AccountId,
        sealed_secret: Vec<u8>,
        step: u64,
        codes: Vec<TokenHash>,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        self.writer.make(Enable { account, sealed_secret, step, codes, at_ms }).await
    }

    async fn use_totp_step(&self, account: AccountId, step: u64) -> Result<bool, StoreError> {
        self.writer.make(UseStep { account, step }).await
    }

    async fn use_recovery_code(&self, account: AccountId, code: TokenHash) -> Result<bool, StoreError> {
        self.writer.make(UseCode { account, code }).await
    }

    async fn replace_recovery_codes(
        &self,
        proven: Proven,
        codes: Vec<TokenHash>,
    ) -> Result<bool, StoreError> {
        self.writer.make(ReplaceCodes { proven, codes }).await
    }

    async fn disable_totp(
        &self,
        account: AccountId,
        proven: Option<Proven>,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.writer.make(Disable { account, proven }).await
    }
}

/// The second factor as another table's row has it beside it: of a secret that is on.
pub(crate) fn totp_of(
    sealed_secret: Option<Vec<u8>>,
    last_step: Option<i64>,
) -> Result<Option<StoredTotp>, StoreError> {
    let (Some(sealed_secret), Some(last_step)) = (sealed_secret, last_step) else { return Ok(None) };
    Ok(Some(StoredTotp { sealed_secret, last_step: TOTP_SECRETS.number(last_step)? }))
}

struct Begin {
    proven: Proven,
    sealed_secret: Vec<u8>,
}

#[async_trait]
impl Change for Begin {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(false);
        }
        let account = self.proven.account.to_bytes().to_vec();
        query!(
            r#"
            insert into totp_secrets (account, sealed_secret, last_step)
            values (?1, ?2, 0)
            on conflict (account) do update set sealed_secret = excluded.sealed_secret
                                  where enabled_at_ms is null
            "#,
            account,
            self.sealed_secret,
        )
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(store_error)
    }
}

struct Enable {
    account: AccountId,
    sealed_secret: Vec<u8>,
    step: u64,
    codes: Vec<TokenHash>,
    at_ms: u64,
}

#[async_trait]
impl Change for Enable {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let step = integer(self.step);
        let at_ms = integer(self.at_ms);
        let enabled = query!(
            r#"
            update totp_secrets
            set    enabled_at_ms = ?4, last_step = ?3
            where  account = ?1 and sealed_secret = ?2 and enabled_at_ms is null
            "#,
            account,
            self.sealed_secret,
            step,
            at_ms,
        )
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
        if enabled.rows_affected() == 0 {
            return Ok(false);
        }
        put_codes(connection, self.account, &self.codes).await?;
        Ok(true)
    }
}

struct UseStep {
    account: AccountId,
    step: u64,
}

#[async_trait]
impl Change for UseStep {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let step = integer(self.step);
        query!(
            r#"
            update totp_secrets
            set    last_step = ?2
            where  account = ?1 and last_step < ?2 and enabled_at_ms is not null
            "#,
            account,
            step,
        )
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(store_error)
    }
}

struct UseCode {
    account: AccountId,
    code: TokenHash,
}

#[async_trait]
impl Change for UseCode {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let code = self.code.to_bytes().to_vec();
        query!("delete from recovery_codes where account = ?1 and code_hash = ?2", account, code)
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(store_error)
    }
}

struct ReplaceCodes {
    proven: Proven,
    codes: Vec<TokenHash>,
}

#[async_trait]
impl Change for ReplaceCodes {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(false);
        }
        let account = self.proven.account.to_bytes().to_vec();
        let on = query!(
            "select 1 as found from totp_secrets where account = ?1 and enabled_at_ms is not null",
            account,
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(store_error)?;
        if on.is_none() {
            return Ok(false);
        }
        put_codes(connection, self.proven.account, &self.codes).await?;
        Ok(true)
    }
}

/// In the place of those that there are.
async fn put_codes(
    connection: &mut SqliteConnection,
    account: AccountId,
    codes: &[TokenHash],
) -> Result<(), StoreError> {
    forget_codes(connection, account).await?;
    let mut packed = Packed::default();
    for code in codes {
        packed.push(&[&code.to_bytes()], &[]);
    }
    let account = account.to_bytes().to_vec();
    let (bytes, rows) = packed.into_parameters();
    query!(
        r#"
        insert into recovery_codes (account, code_hash)
        select ?1, substr(?2, row.value ->> 0, 32)
        from   json_each(?3) as row
        where  true
        on conflict (account, code_hash) do nothing
        "#,
        account,
        bytes,
        rows,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

async fn forget_codes(connection: &mut SqliteConnection, account: AccountId) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    query!("delete from recovery_codes where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

struct Disable {
    account: AccountId,
    proven: Option<Proven>,
}

#[async_trait]
impl Change for Disable {
    type Outcome = Option<Vec<SessionId>>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<Vec<SessionId>>, StoreError> {
        if let Some(proven) = &self.proven
            && !(proven.account == self.account && still_holds(connection, proven).await?)
        {
            return Ok(None);
        }
        let account = self.account.to_bytes().to_vec();
        let forgotten =
            query!("delete from totp_secrets where account = ?1 returning enabled_at_ms", account,)
                .fetch_optional(&mut *connection)
                .await
                .map_err(store_error)?;
        if forgotten.and_then(|row| row.enabled_at_ms).is_none() {
            return Ok(None);
        }
        forget_codes(connection, self.account).await?;
        let keep = self.proven.as_ref().map(|proven| proven.session);
        end_sessions(connection, self.account, keep).await.map(Some)
    }
}

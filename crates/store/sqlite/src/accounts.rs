use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, SessionId},
};
use protocol::{Username, profile::SealedVault};
use relay::port::{
    Accounts, Credentials, InviteUse, NewAccount, NewSession, NewWraps, PasswordHash, Proven, Registered,
    StoreError, StoredProfile,
};
use sqlx::{SqliteConnection, query, query_as};

use crate::{
    SqliteStore,
    delete_account::DeleteAccount,
    emails::forget_wish,
    error::store_error,
    proven::still_holds,
    register::Register,
    resets::forget_reset,
    rows::{Table, email, integer},
    second_factors::totp_of,
    sessions::end_sessions,
    writer::Change,
};

const ACCOUNTS: Table = Table("accounts");
const RECOVERY_CODES: Table = Table("recovery_codes");
const SEALED_VAULTS: Table = Table("sealed_vaults");
const TOTP_SECRETS: Table = Table("totp_secrets");

#[async_trait]
impl Accounts for SqliteStore {
    async fn register(
        &self,
        account: NewAccount,
        session: NewSession,
        invite: Option<InviteUse>,
    ) -> Result<Registered, StoreError> {
        self.writer.make(Register { account, session, invite }).await
    }

    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        let username = username.as_str();
        let row = query_as!(
            CredentialsRow,
            r#"
            select account.account, account.username, account.kdf, account.password_hash, account.sealed_wrap,
                   account.email, account.login_mails as "login_mails: bool",
                   totp.sealed_secret as "sealed_secret?", totp.last_step as "last_step?"
            from   accounts as account
                   left join totp_secrets as totp
                          on totp.account = account.account and totp.enabled_at_ms is not null
            where  account.username = ?1
            "#,
            username,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.map(CredentialsRow::read).transpose()
    }

    async fn credentials_of(&self, account: AccountId) -> Result<Option<Credentials>, StoreError> {
        let account = account.to_bytes().to_vec();
        let row = query_as!(
            CredentialsRow,
            r#"
            select account.account, account.username, account.kdf, account.password_hash, account.sealed_wrap,
                   account.email, account.login_mails as "login_mails: bool",
                   totp.sealed_secret as "sealed_secret?", totp.last_step as "last_step?"
            from   accounts as account
                   left join totp_secrets as totp
                          on totp.account = account.account and totp.enabled_at_ms is not null
            where  account.account = ?1
            "#,
            account,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.map(CredentialsRow::read).transpose()
    }

    /// One statement, and so of one moment: a row for each vault that was put away, or one without.
    async fn find_profile(&self, account: AccountId) -> Result<Option<StoredProfile>, StoreError> {
        let account = account.to_bytes().to_vec();
        let rows = query!(
            r#"
            select   account.username, account.created_at_ms, account.email, account.wrapped_by_recovery_key,
                     account.recovery_key_made_at_ms, account.login_mails as "login_mails: bool",
                     wish.email          as "pending_email?",
                     totp.enabled_at_ms  as "totp_since_ms?",
                     (select count(*) from recovery_codes as code where code.account = account.account)
                                         as "recovery_codes_left!: i64",
                     vault.number        as "number?",
                     vault.sealed_at_ms  as "sealed_at_ms?",
                     vault.kdf           as "vault_kdf?"
            from     accounts as account
                     left join email_wishes  as wish  on wish.account  = account.account
                     left join totp_secrets  as totp  on totp.account  = account.account
                     left join sealed_vaults as vault on vault.account = account.account
            where    account.account = ?1
            order by vault.number
            "#,
            account,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        let Some(first) = rows.first() else { return Ok(None) };

        let mut sealed_vaults = Vec::new();
        for row in &rows {
            if let (Some(number), Some(sealed_at_ms), Some(kdf)) =
                (row.number, row.sealed_at_ms, &row.vault_kdf)
            {
                sealed_vaults.push(SealedVault {
                    number: SEALED_VAULTS.small_number(number)?,
                    sealed_at_ms: SEALED_VAULTS.number(sealed_at_ms)?,
                    kdf: SEALED_VAULTS.parse(kdf)?,
                });
            }
        }
        Ok(Some(StoredProfile {
            username: ACCOUNTS.username(&first.username)?,
            created_at_ms: ACCOUNTS.number(first.created_at_ms)?,
            email: email(first.email.as_deref()),
            pending_email: email(first.pending_email.as_deref()),
            login_mails: first.login_mails,
            totp_since_ms: first.totp_since_ms.map(|since| TOTP_SECRETS.number(since)).transpose()?,
            recovery_codes_left: RECOVERY_CODES.small_number(first.recovery_codes_left)?,
            wrapped_by_recovery_key: ACCOUNTS.parse(&first.wrapped_by_recovery_key)?,
            recovery_key_made_at_ms: ACCOUNTS.number(first.recovery_key_made_at_ms)?,
            sealed_vaults,
        }))
    }

    async fn change_password(
        &self,
        proven: Proven,
        wraps: NewWraps,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.writer.make(ChangePassword { proven, wraps }).await
    }

    async fn change_recovery_wrap(
        &self,
        proven: Proven,
        wrapped_by_recovery_key: WrappedAccountKey,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        self.writer.make(ChangeRecoveryWrap { proven, wrapped_by_recovery_key, at_ms }).await
    }

    async fn set_login_mails(&self, account: AccountId, login_mails: bool) -> Result<(), StoreError> {
        self.writer.make(SetLoginMails { account, login_mails }).await
    }

    async fn delete_account(&self, proven: Proven, at_ms: u64) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.writer.make(DeleteAccount { proven, at_ms }).await
    }
}

struct CredentialsRow {
    account: Vec<u8>,
    username: String,
    kdf: Vec<u8>,
    password_hash: String,
    sealed_wrap: Vec<u8>,
    email: Option<String>,
    login_mails: bool,
    sealed_secret: Option<Vec<u8>>,
    last_step: Option<i64>,
}

impl CredentialsRow {
    fn read(self) -> Result<Credentials, StoreError> {
        Ok(Credentials {
            account: ACCOUNTS.parse(&self.account)?,
            username: ACCOUNTS.username(&self.username)?,
            kdf: ACCOUNTS.parse(&self.kdf)?,
            password_hash: PasswordHash::from_stored(self.password_hash),
            sealed_wrap: self.sealed_wrap,
            totp: totp_of(self.sealed_secret, self.last_step)?,
            email: email(self.email.as_deref()),
            login_mails: self.login_mails,
        })
    }
}

struct ChangePassword {
    proven: Proven,
    wraps: NewWraps,
}

#[async_trait]
impl Change for ChangePassword {
    type Outcome = Option<Vec<SessionId>>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<Vec<SessionId>>, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(None);
        }
        let account = self.proven.account;
        set_password(connection, account, &self.wraps).await?;
        forget_reset(connection, account).await?;
        forget_wish(connection, account).await?;
        end_sessions(connection, account, Some(self.proven.session)).await.map(Some)
    }
}

/// Also a step of a reset.
pub(crate) async fn set_password(
    connection: &mut SqliteConnection,
    account: AccountId,
    wraps: &NewWraps,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let kdf = wraps.kdf.to_bytes().to_vec();
    let password_hash = wraps.password_hash.as_str();
    query!(
        "update accounts set kdf = ?2, password_hash = ?3, sealed_wrap = ?4 where account = ?1",
        account,
        kdf,
        password_hash,
        wraps.sealed_wrap,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

struct ChangeRecoveryWrap {
    proven: Proven,
    wrapped_by_recovery_key: WrappedAccountKey,
    at_ms: u64,
}

#[async_trait]
impl Change for ChangeRecoveryWrap {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        if !still_holds(connection, &self.proven).await? {
            return Ok(false);
        }
        set_recovery_wrap(connection, self.proven.account, &self.wrapped_by_recovery_key, self.at_ms).await?;
        Ok(true)
    }
}

/// Also a step of a reset that replaces the keys.
pub(crate) async fn set_recovery_wrap(
    connection: &mut SqliteConnection,
    account: AccountId,
    wrapped_by_recovery_key: &WrappedAccountKey,
    at_ms: u64,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let wrap = wrapped_by_recovery_key.to_bytes().to_vec();
    let at_ms = integer(at_ms);
    query!(
        "update accounts set wrapped_by_recovery_key = ?2, recovery_key_made_at_ms = ?3 where account = ?1",
        account,
        wrap,
        at_ms,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

struct SetLoginMails {
    account: AccountId,
    login_mails: bool,
}

#[async_trait]
impl Change for SetLoginMails {
    type Outcome = ();

    async fn make(&self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        let account = self.account.to_bytes().to_vec();
        query!("update accounts set login_mails = ?2 where account = ?1", account, self.login_mails)
            .execute(connection)
            .await
            .map(drop)
            .map_err(store_error)
    }
}

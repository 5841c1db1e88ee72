use async_trait::async_trait;
use crypto::{
    id::{AccountId, SessionId, TokenHash},
    identity::IdentityPublic,
    prekey::SignedPrekey,
};
use protocol::{
    Binary,
    directory::User,
    vault::{Row, VaultKind},
};
use relay::port::{RedeemedKeys, Redemption, Resets, StandingReset, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    accounts::{set_password, set_recovery_wrap},
    emails::forget_wish,
    error::store_error,
    prekeys::drop_pools,
    register::insert_vault,
    rows::{Table, email, integer},
    sealed_vaults::put_vault_away,
    second_factors::totp_of,
    sessions::end_sessions,
    writer::Change,
};

const ACCOUNTS: Table = Table("accounts");
const KEYS: Table = Table("published_keys");
const RESETS: Table = Table("resets");
const VAULT_ROWS: Table = Table("vault_rows");

/// Accounts that are found by one address: each is a mail, so asking for one address must not become thousands.
const MOST_OF_ONE_ADDRESS: i64 = 50;

#[async_trait]
impl Resets for SqliteStore {
    async fn accounts_of_email(&self, folded: &str) -> Result<Vec<User>, StoreError> {
        let rows = query!(
            "select account, username from accounts where lower(email) = ?1 order by username limit ?2",
            folded,
            MOST_OF_ONE_ADDRESS,
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

    async fn arm_reset(&self, account: AccountId, token: TokenHash, at_ms: u64) -> Result<bool, StoreError> {
        self.writer.make(Arm { account, token, at_ms }).await
    }

    async fn find_reset(&self, token: TokenHash) -> Result<Option<StandingReset>, StoreError> {
        let token = token.to_bytes().to_vec();
        let identity_kind = VaultKind::Identity as i64;
        let row = query!(
            r#"
            select reset.account, reset.armed_at_ms, account.username, account.email,
                   account.wrapped_by_recovery_key, keys.identity, keys.prekey,
                   totp.sealed_secret as "sealed_secret?", totp.last_step as "last_step?",
                   row.version        as "version?",       row.sealed     as "sealed?"
            from   resets as reset
                   join accounts       as account on account.account = reset.account
                   join published_keys as keys    on keys.account    = reset.account
                   left join totp_secrets as totp
                          on totp.account = reset.account and totp.enabled_at_ms is not null
                   left join vault_rows as row
                          on row.account = reset.account and row.kind = ?2 and row.key_id = x''
            where  reset.token_hash = ?1
            "#,
            token,
            identity_kind,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        let Some(row) = row else { return Ok(None) };
        let (Some(version), Some(sealed)) = (row.version, row.sealed) else {
            return Err(VAULT_ROWS.corrupt("a vault has no identity"));
        };
        Ok(Some(StandingReset {
            account: RESETS.parse(&row.account)?,
            username: ACCOUNTS.username(&row.username)?,
            armed_at_ms: RESETS.number(row.armed_at_ms)?,
            totp: totp_of(row.sealed_secret, row.last_step)?,
            email: email(row.email.as_deref()),
            wrapped_by_recovery_key: ACCOUNTS.parse(&row.wrapped_by_recovery_key)?,
            identity: KEYS.parse(&row.identity)?,
            prekey: KEYS.parse(&row.prekey)?,
            identity_row: Row {
                kind: VaultKind::Identity,
                key_id: Binary(Vec::new()),
                version: VAULT_ROWS.number(version)?,
                sealed: Binary(sealed),
            },
        }))
    }

    async fn redeem_reset(&self, redemption: Redemption) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.writer.make(Redeem(redemption)).await
    }
}

struct Arm {
    account: AccountId,
    token: TokenHash,
    at_ms: u64,
}

#[async_trait]
impl Change for Arm {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let account = self.account.to_bytes().to_vec();
        let token = self.token.to_bytes().to_vec();
        let at_ms = integer(self.at_ms);
        query!(
            r#"
            insert into resets (account, token_hash, armed_at_ms)
            select account, ?2, ?3
            from   accounts
            where  account = ?1
            on conflict (account) do update set token_hash  = excluded.token_hash,
                                                armed_at_ms = excluded.armed_at_ms
            "#,
            account,
            token,
            at_ms,
        )
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(store_error)
    }
}

/// Makes the account's token worthless.
pub(crate) async fn forget_reset(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    query!("delete from resets where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

struct Redeem(Redemption);

#[async_trait]
impl Change for Redeem {
    type Outcome = Option<Vec<SessionId>>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Option<Vec<SessionId>>, StoreError> {
        let Redemption { token, account, wraps, keys, at_ms } = &self.0;
        if !use_token(connection, *account, *token).await? {
            return Ok(None);
        }
        match keys {
            RedeemedKeys::Keep => {}
            RedeemedKeys::Replace { wrapped_by_recovery_key, identity, prekey, vault } => {
                // Before the new password: what is put away is sealed by the old one.
                put_vault_away(connection, *account, *at_ms).await?;
                insert_vault(connection, *account, vault).await?;
                set_recovery_wrap(connection, *account, wrapped_by_recovery_key, *at_ms).await?;
                replace_keys(connection, *account, identity, prekey, *at_ms).await?;
                drop_pools(connection, *account).await?;
            }
        }
        set_password(connection, *account, wraps).await?;
        forget_wish(connection, *account).await?;
        end_sessions(connection, *account, None).await.map(Some)
    }
}

async fn use_token(
    connection: &mut SqliteConnection,
    account: AccountId,
    token: TokenHash,
) -> Result<bool, StoreError> {
    let account = account.to_bytes().to_vec();
    let token = token.to_bytes().to_vec();
    query!("delete from resets where account = ?1 and token_hash = ?2", account, token)
        .execute(connection)
        .await
        .map(|done| done.rows_affected() > 0)
        .map_err(store_error)
}

async fn replace_keys(
    connection: &mut SqliteConnection,
    account: AccountId,
    identity: &IdentityPublic,
    prekey: &SignedPrekey,
    at_ms: u64,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let fingerprint = identity.fingerprint().to_bytes().to_vec();
    let identity = identity.to_bytes().to_vec();
    let prekey_id = i64::from(prekey.id().0);
    let prekey = prekey.to_bytes();
    let at_ms = integer(at_ms);
    query!(
        r#"
        update published_keys
        set    identity = ?2, fingerprint = ?3, prekey_id = ?4, prekey = ?5, prekey_at_ms = ?6
        where  account = ?1
        "#,
        account,
        identity,
        fingerprint,
        prekey_id,
        prekey,
        at_ms,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

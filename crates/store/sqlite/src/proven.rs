//! Checking a password takes time. What was proven by it is looked at again where it is used: in the transaction of the
//! change, and before anything is written.

use crypto::id::AccountId;
use relay::port::{PasswordHash, Proven, StoreError};
use sqlx::{SqliteConnection, query};

use crate::error::store_error;

/// Whether the password is the one that was checked, and the session that asked goes on.
pub(crate) async fn still_holds(
    connection: &mut SqliteConnection,
    proven: &Proven,
) -> Result<bool, StoreError> {
    if !is_password(connection, proven.account, &proven.password_hash).await? {
        return Ok(false);
    }
    let account = proven.account.to_bytes().to_vec();
    let session = proven.session.to_bytes().to_vec();
    query!("select 1 as found from sessions where session = ?2 and account = ?1", account, session)
        .fetch_optional(connection)
        .await
        .map(|row| row.is_some())
        .map_err(store_error)
}

/// Whether the account's password is the one of this hash. That of an account that does not exist is none.
pub(crate) async fn is_password(
    connection: &mut SqliteConnection,
    account: AccountId,
    password_hash: &PasswordHash,
) -> Result<bool, StoreError> {
    let account = account.to_bytes().to_vec();
    let password_hash = password_hash.as_str();
    query!(
        "select 1 as found from accounts where account = ?1 and password_hash = ?2",
        account,
        password_hash,
    )
    .fetch_optional(connection)
    .await
    .map(|row| row.is_some())
    .map_err(store_error)
}

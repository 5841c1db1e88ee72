//! Rows that only the account's devices can read.

use leptos::{server, server_fn::codec::Json};
use protocol::vault;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// All rows of the caller's vault.
#[server(prefix = "/fn", endpoint = "vault/rows", input = WholeBody, output = Json)]
pub async fn fetch_rows(
    /// What is asked.
    request: vault::FetchRows,
) -> Answer<vault::Rows> {
    let caller = caller().await?;
    Ok(relay().fetch_rows(&caller, request).await?)
}

/// Writes a row.
#[server(prefix = "/fn", endpoint = "vault/put", input = WholeBody, output = Json)]
pub async fn put_row(
    /// What is asked.
    request: vault::PutRow,
) -> Answer<vault::RowPut> {
    let caller = caller().await?;
    Ok(relay().put_row(&caller, request).await?)
}

/// A vault that a reset put away.
#[server(prefix = "/fn", endpoint = "vault/sealed", input = WholeBody, output = Json)]
pub async fn fetch_sealed_vault(
    /// What is asked.
    request: vault::FetchSealedVault,
) -> Answer<vault::SealedVaultRows> {
    let caller = caller().await?;
    Ok(relay().fetch_sealed_vault(&caller, request).await?)
}

/// Removes a vault that a reset put away.
#[server(prefix = "/fn", endpoint = "vault/drop-sealed", input = WholeBody, output = Json)]
pub async fn drop_sealed_vault(
    /// What is asked.
    request: vault::DropSealedVault,
) -> Answer<vault::SealedVaultDropped> {
    let caller = caller().await?;
    Ok(relay().drop_sealed_vault(&caller, request).await?)
}

//! Who is there, and by which keys they are reached.

use leptos::{server, server_fn::codec::Json};
use protocol::directory;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// A page of the registered users.
#[server(prefix = "/fn", endpoint = "directory/users", input = WholeBody, output = Json)]
pub async fn list_users(
    /// What is asked.
    request: directory::ListUsers,
) -> Answer<directory::Users> {
    let caller = caller().await?;
    Ok(relay().list_users(&caller, request).await?)
}

/// The keys of accounts.
#[server(prefix = "/fn", endpoint = "directory/keys", input = WholeBody, output = Json)]
pub async fn fetch_keys(
    /// What is asked.
    request: directory::FetchKeys,
) -> Answer<directory::Keys> {
    let caller = caller().await?;
    Ok(relay().fetch_keys(&caller, request).await?)
}

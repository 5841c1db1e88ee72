//! Names are asked for, accounts made.

use leptos::{server, server_fn::codec::Json};
use protocol::account;

#[cfg(feature = "ssr")]
use super::exchange::{begin_session, relay};
use super::{Answer, WholeBody};

/// How a name's password is stretched.
#[server(prefix = "/fn", endpoint = "account/prelogin", input = WholeBody, output = Json)]
pub async fn prelogin(
    /// What is asked.
    request: account::Prelogin,
) -> Answer<account::PreloginAnswer> {
    Ok(relay().prelogin(request).await?)
}

/// Makes an account and begins its first session.
#[server(prefix = "/fn", endpoint = "account/register", input = WholeBody, output = Json)]
pub async fn register(
    /// What is asked.
    request: account::Register,
) -> Answer<account::SignedIn> {
    let (signed_in, token) = relay().register(request).await?;
    Ok(begin_session(signed_in, token))
}

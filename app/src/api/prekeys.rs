//! Keys that receive one message each.

use leptos::{server, server_fn::codec::Json};
use protocol::prekey;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// Publishes prekeys.
#[server(prefix = "/fn", endpoint = "prekeys/publish", input = WholeBody, output = Json)]
pub async fn publish_prekeys(
    /// What is asked.
    request: prekey::PublishPrekeys,
) -> Answer<prekey::PrekeysPublished> {
    let caller = caller().await?;
    Ok(relay().publish_prekeys(&caller, request).await?)
}

/// How the caller's prekeys stand.
#[server(prefix = "/fn", endpoint = "prekeys/status", input = WholeBody, output = Json)]
pub async fn prekey_status(
    /// What is asked.
    request: prekey::FetchPrekeyStatus,
) -> Answer<prekey::PrekeyStatus> {
    let caller = caller().await?;
    Ok(relay().prekey_status(&caller, request).await?)
}

/// Takes prekeys of others.
#[server(prefix = "/fn", endpoint = "prekeys/claim", input = WholeBody, output = Json)]
pub async fn claim_prekeys(
    /// What is asked.
    request: prekey::ClaimPrekeys,
) -> Answer<prekey::ClaimedPrekeys> {
    let caller = caller().await?;
    Ok(relay().claim_prekeys(&caller, request).await?)
}

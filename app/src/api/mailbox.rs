//! Envelopes go in, deliveries come out, keys are archived, messages erased.

use leptos::{server, server_fn::codec::Json};
use protocol::mailbox;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// Sends an envelope.
#[server(prefix = "/fn", endpoint = "mailbox/send", input = WholeBody, output = Json)]
pub async fn send_envelope(
    /// What is asked.
    request: mailbox::Send,
) -> Answer<mailbox::Sent> {
    let caller = caller().await?;
    Ok(relay().send(&caller, request).await?)
}

/// What is in the mailbox after a cursor.
#[server(prefix = "/fn", endpoint = "mailbox/page", input = WholeBody, output = Json)]
pub async fn fetch_page(
    /// What is asked.
    request: mailbox::FetchPage,
) -> Answer<mailbox::Page> {
    let caller = caller().await?;
    Ok(relay().fetch_page(&caller, request).await?)
}

/// What is in the mailbox before a cursor.
#[server(prefix = "/fn", endpoint = "mailbox/history", input = WholeBody, output = Json)]
pub async fn fetch_history(
    /// What is asked.
    request: mailbox::FetchHistory,
) -> Answer<mailbox::Page> {
    let caller = caller().await?;
    Ok(relay().fetch_history(&caller, request).await?)
}

/// Archived keys take the place of seals.
#[server(prefix = "/fn", endpoint = "mailbox/archive", input = WholeBody, output = Json)]
pub async fn archive(
    /// What is asked.
    request: mailbox::Archive,
) -> Answer<mailbox::KeysArchived> {
    let caller = caller().await?;
    Ok(relay().archive(&caller, request).await?)
}

/// Erases messages.
#[server(prefix = "/fn", endpoint = "mailbox/erase", input = WholeBody, output = Json)]
pub async fn erase(
    /// What is asked.
    request: mailbox::Erase,
) -> Answer<mailbox::Erased> {
    let caller = caller().await?;
    Ok(relay().erase(&caller, request).await?)
}

//! Envelopes go in, deliveries come out.

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

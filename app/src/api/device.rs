//! Which devices an account has.

use leptos::{server, server_fn::codec::Json};
use protocol::device;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// An entry of the caller's device log.
#[server(prefix = "/fn", endpoint = "device/append", input = WholeBody, output = Json)]
pub async fn append_log(
    /// What is asked.
    request: device::AppendLog,
) -> Answer<device::LogAppended> {
    let caller = caller().await?;
    Ok(relay().append_log(&caller, request).await?)
}

/// What device logs hold.
#[server(prefix = "/fn", endpoint = "device/logs", input = WholeBody, output = Json)]
pub async fn fetch_logs(
    /// What is asked.
    request: device::FetchLogs,
) -> Answer<device::Logs> {
    let caller = caller().await?;
    Ok(relay().fetch_logs(&caller, request).await?)
}

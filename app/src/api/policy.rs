//! What this server offers.

use leptos::{server, server_fn::codec::Json};
use protocol::policy;

#[cfg(feature = "ssr")]
use super::exchange::relay;
use super::{Answer, WholeBody};

/// What this server offers, to anybody who asks.
#[server(prefix = "/fn", endpoint = "server/policy", input = WholeBody, output = Json)]
pub async fn fetch_policy(
    /// What is asked.
    request: policy::FetchPolicy,
) -> Answer<policy::ServerPolicy> {
    Ok(relay().policy(request))
}

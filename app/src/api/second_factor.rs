//! The second factor is set up, renewed and switched off.

use leptos::{server, server_fn::codec::Json};
use protocol::second_factor;

#[cfg(feature = "ssr")]
use super::exchange::{caller, relay};
use super::{Answer, WholeBody};

/// Draws a secret for an authenticator.
#[server(prefix = "/fn", endpoint = "second-factor/begin", input = WholeBody, output = Json)]
pub async fn begin_totp(
    /// What is asked.
    request: second_factor::BeginTotp,
) -> Answer<second_factor::TotpBegun> {
    let caller = caller().await?;
    Ok(relay().begin_totp(&caller, request).await?)
}

/// Shows that the authenticator holds the secret.
#[server(prefix = "/fn", endpoint = "second-factor/enable", input = WholeBody, output = Json)]
pub async fn enable_totp(
    /// What is asked.
    request: second_factor::EnableTotp,
) -> Answer<second_factor::RecoveryCodes> {
    let caller = caller().await?;
    Ok(relay().enable_totp(&caller, request).await?)
}

/// Asks for no code any more; the session that asks goes on.
#[server(prefix = "/fn", endpoint = "second-factor/disable", input = WholeBody, output = Json)]
pub async fn disable_totp(
    /// What is asked.
    request: second_factor::DisableTotp,
) -> Answer<second_factor::TotpDisabled> {
    let caller = caller().await?;
    Ok(relay().disable_totp(&caller, request).await?)
}

/// Ten new recovery codes.
#[server(prefix = "/fn", endpoint = "second-factor/renew-codes", input = WholeBody, output = Json)]
pub async fn renew_recovery_codes(
    /// What is asked.
    request: second_factor::RenewRecoveryCodes,
) -> Answer<second_factor::RecoveryCodes> {
    let caller = caller().await?;
    Ok(relay().renew_recovery_codes(&caller, request).await?)
}

//! A new password by a token.

use leptos::{server, server_fn::codec::Json};
use protocol::reset;

#[cfg(feature = "ssr")]
use super::exchange::{network, relay};
use super::{Answer, WholeBody};

/// Asks for a mail with a token.
#[server(prefix = "/fn", endpoint = "reset/forgot", input = WholeBody, output = Json)]
pub async fn forgot_password(
    /// What is asked.
    request: reset::ForgotPassword,
) -> Answer<reset::MailRequested> {
    Ok(relay().forgot_password(request, network()).await?)
}

/// What a token is for.
#[server(prefix = "/fn", endpoint = "reset/check", input = WholeBody, output = Json)]
pub async fn check_reset(
    /// What is asked.
    request: reset::CheckReset,
) -> Answer<reset::ResetChecked> {
    Ok(relay().check_reset(request, network()).await?)
}

/// Sets a new password.
#[server(prefix = "/fn", endpoint = "reset/redeem", input = WholeBody, output = Json)]
pub async fn redeem_reset(
    /// What is asked.
    request: reset::RedeemReset,
) -> Answer<reset::PasswordReset> {
    Ok(relay().redeem_reset(request, network()).await?)
}

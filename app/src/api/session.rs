//! Passwords are proven, sessions begin and end.

use leptos::{server, server_fn::codec::Json};
use protocol::account;

#[cfg(feature = "ssr")]
use super::exchange::{begin_session, caller, end_session, relay};
use super::{Answer, WholeBody};

/// Proves the password and begins a session.
#[server(prefix = "/fn", endpoint = "session/login", input = WholeBody, output = Json)]
pub async fn login(
    /// What is asked.
    request: account::Login,
) -> Answer<account::SignedIn> {
    let (signed_in, token) = relay().login(request).await?;
    Ok(begin_session(signed_in, token))
}

/// Who is signed in.
#[server(prefix = "/fn", endpoint = "session/current", input = WholeBody, output = Json)]
pub async fn current_session(
    /// What is asked.
    request: account::CurrentSession,
) -> Answer<account::SignedIn> {
    let caller = caller().await?;
    Ok(relay().current_session(&caller, request).await?)
}

/// Ends the session.
#[server(prefix = "/fn", endpoint = "session/logout", input = WholeBody, output = Json)]
pub async fn logout(
    /// What is asked.
    request: account::Logout,
) -> Answer<account::LoggedOut> {
    let caller = caller().await?;
    let answer = relay().logout(&caller, request).await?;
    end_session(&caller);
    Ok(answer)
}

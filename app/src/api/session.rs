//! Passwords are proven, sessions begin and end.

use leptos::{server, server_fn::codec::Json};
use protocol::{account, session};

#[cfg(feature = "ssr")]
use super::exchange::{begin_session, caller, network, relay, session_ended};
use super::{Answer, WholeBody};

/// Proves the password and begins a session.
#[server(prefix = "/fn", endpoint = "session/login", input = WholeBody, output = Json)]
pub async fn login(
    /// What is asked.
    request: account::Login,
) -> Answer<account::SignedIn> {
    let (signed_in, token) = relay().login(request, network()).await?;
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
    // Whoever revoked their own device has no session any more, and a cookie that is good for nothing.
    let caller = caller().await.inspect_err(|_| session_ended())?;
    let answer = relay().logout(&caller, request).await?;
    session_ended();
    Ok(answer)
}

/// The account's sessions.
#[server(prefix = "/fn", endpoint = "session/list", input = WholeBody, output = Json)]
pub async fn list_sessions(
    /// What is asked.
    request: session::ListSessions,
) -> Answer<session::Sessions> {
    let caller = caller().await?;
    Ok(relay().list_sessions(&caller, request).await?)
}

/// Ends one of the account's sessions, perhaps the one that asks.
#[server(prefix = "/fn", endpoint = "session/end", input = WholeBody, output = Json)]
pub async fn end_session(
    /// What is asked.
    request: session::EndSession,
) -> Answer<session::SessionsEnded> {
    let caller = caller().await?;
    let is_own = request.session == caller.session();
    let answer = relay().end_session(&caller, request).await?;
    if is_own {
        session_ended();
    }
    Ok(answer)
}

/// Ends all of the account's sessions but the one that asks.
#[server(prefix = "/fn", endpoint = "session/end-others", input = WholeBody, output = Json)]
pub async fn end_other_sessions(
    /// What is asked.
    request: session::EndOtherSessions,
) -> Answer<session::SessionsEnded> {
    let caller = caller().await?;
    Ok(relay().end_other_sessions(&caller, request).await?)
}

/// Opens a page that was locked.
#[server(prefix = "/fn", endpoint = "session/unlock", input = WholeBody, output = Json)]
pub async fn unlock(
    /// What is asked.
    request: session::Unlock,
) -> Answer<account::SignedIn> {
    let caller = caller().await?;
    Ok(relay().unlock(&caller, request).await?)
}

//! Where a call comes from, and the session's token on its way in and out.
//!
//! The server puts an [`Exchange`] into the context of each call: it knows the caller's network, has taken the token from
//! the request's cookie or header, and will put what becomes of the session into the answer's. So the functions need to
//! know none of it.

use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::expect_context;
use protocol::{Code, account::SignedIn};
use relay::{Caller, Network, Relay, SessionToken};

use super::Answer;

/// What a call comes with, and what it leaves behind.
pub struct Exchange {
    relay: Relay,
    network: Network,
    presented: Option<String>,
    recipient: TokenRecipient,
    change: Mutex<Option<SessionChange>>,
}

/// Who gets the token of a session that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRecipient {
    /// The browser, in a cookie that scripts cannot read.
    Cookie,
    /// A program: in the answer as well.
    Program,
}

/// What a call did to the session.
#[derive(Debug)]
pub enum SessionChange {
    /// It began.
    Begun(SessionToken),
    /// It goes on under a fresh token.
    Renewed(SessionToken),
    /// It is over.
    Ended,
}

impl Exchange {
    /// For a call from this network that presents this token.
    pub fn new(
        relay: Relay,
        network: Network,
        presented: Option<String>,
        recipient: TokenRecipient,
    ) -> Arc<Self> {
        Arc::new(Self { relay, network, presented, recipient, change: Mutex::new(None) })
    }

    /// What became of the session.
    pub fn take_change(&self) -> Option<SessionChange> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, change: SessionChange) {
        *self.change.lock().unwrap_or_else(PoisonError::into_inner) = Some(change);
    }
}

/// The relay that serves this call.
pub(super) fn relay() -> Relay {
    exchange().relay.clone()
}

/// Where the call comes from.
pub(super) fn network() -> Network {
    exchange().network
}

/// Who calls.
pub(super) async fn caller() -> Answer<Caller> {
    let exchange = exchange();
    let token = exchange.presented.as_deref().ok_or(Code::NotSignedIn)?;
    let caller = exchange.relay.authenticate(token, exchange.network).await?;
    if let Some(token) = caller.renewed() {
        exchange.note(SessionChange::Renewed(token.clone()));
    }
    Ok(caller)
}

/// A session has begun: its token goes out.
pub(super) fn begin_session(mut signed_in: SignedIn, token: SessionToken) -> SignedIn {
    let exchange = exchange();
    if exchange.recipient == TokenRecipient::Program {
        signed_in.token = Some(token.expose().to_owned());
    }
    exchange.note(SessionChange::Begun(token));
    signed_in
}

/// The caller's session is over.
pub(super) fn session_ended() {
    exchange().note(SessionChange::Ended);
}

fn exchange() -> Arc<Exchange> {
    expect_context()
}

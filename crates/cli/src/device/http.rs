//! Calls and events over HTTP.

use std::{
    error::Error,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use client::CallError;
use futures::StreamExt;
use protocol::{Refusal, call::EVENTS_PATH, mailbox::MAILBOX_EVENT, session::SESSIONS_EVENT};
use reqwest::{
    Client, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
    redirect,
};
use zeroize::Zeroizing;

use super::ServerAddress;

/// After so long an answer is not waited for any more; the same request can be made again.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long a connection may take to come about.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// A connection that was idle for so long is not used again: the server, which waits for ten seconds, may be closing it.
const IDLE: Duration = Duration::from_secs(5);
/// The server sends a sign of life every 15 seconds: a stream that is silent for so long is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// Longest answer: a page of a mailbox, its 4 MiB as base64, three times over.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Longest line of the event stream.
const MAX_EVENT_LINE_BYTES: usize = 1024;
/// In which a token that was renewed comes.
const RENEWED_TOKEN: &str = "session-token";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// One server, over HTTP.
pub struct Http {
    server: ServerAddress,
    client: Client,
    /// For whom it is asked: a gateway on the server's own machine says so.
    on_behalf_of: Option<IpAddr>,
    problem: Mutex<Option<String>>,
}

/// What the event stream says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// The stream stands: from now on nothing is missed.
    Listening,
    /// The mailbox has grown.
    Mailbox,
    /// A session began or ended.
    Sessions,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) renewed_token: Option<Zeroizing<String>>,
}

/// Makes connections to a server, for any number of [`Http`]s. TLS trusts what this machine trusts. A proxy that the environment
/// names is used for TLS only: what goes to this machine itself goes nowhere else.
///
/// # Errors
/// TLS cannot be set up: the text says why.
pub fn connections(server: &ServerAddress) -> Result<Client, String> {
    // A second call finds the first one's, which is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = if server.is_https() { Client::builder() } else { Client::builder().no_proxy() };
    builder
        .user_agent(concat!("secure-messaging/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_PATIENCE)
        .pool_idle_timeout(IDLE)
        .build()
        .map_err(|problem| innermost(&problem))
}

impl Http {
    /// Speaks to `server`.
    pub fn new(server: ServerAddress, connections: Client) -> Self {
        Self { server, client: connections, on_behalf_of: None, problem: Mutex::new(None) }
    }

    /// Says for whom it asks.
    #[must_use]
    pub fn on_behalf_of(mut self, address: Option<IpAddr>) -> Self {
        self.on_behalf_of = address;
        self
    }

    /// Which server.
    pub fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// Why the server could not be reached when that was tried last: for a person to read.
    pub fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn post(
        &self,
        path: &str,
        body: Zeroizing<Vec<u8>>,
        token: Option<&str>,
    ) -> Result<Answer, CallError> {
        let mut request = self
            .client
            .post(self.server.at(path))
            .timeout(PATIENCE)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_vec());
        if let Some(address) = self.on_behalf_of {
            request = request.header(FORWARDED_FOR, address.to_string());
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.map_err(|problem| self.unreachable(&problem))?;
        let status = response.status().as_u16();
        let renewed = response.headers().get(RENEWED_TOKEN).and_then(|token| token.to_str().ok());
        let renewed_token = renewed.map(|token| Zeroizing::new(token.to_owned()));
        Ok(Answer { status, body: self.whole(response).await?, renewed_token })
    }

    async fn whole(&self, response: Response) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        let mut parts = response.bytes_stream();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|problem| self.unreachable(&problem))?;
            if body.len() + part.len() > MAX_ANSWER_BYTES {
                return Err(CallError::BadAnswer("it is too long".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }

    /// Calls `wake` with what the stream says, until it ends.
    pub(super) async fn listen(&self, token: Option<&str>, mut wake: impl FnMut(Wake)) -> CallError {
        let mut request = self.client.get(self.server.at(EVENTS_PATH)).header(ACCEPT, "text/event-stream");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = match tokio::time::timeout(PATIENCE, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(problem)) => return self.unreachable(&problem),
            Err(_) => return CallError::Unreachable,
        };
        let streams = response.headers().get(CONTENT_TYPE).is_some_and(is_event_stream);
        if response.status() != 200 || !streams {
            let whole = tokio::time::timeout(PATIENCE, self.whole(response)).await;
            return match whole.unwrap_or(Err(CallError::Unreachable)) {
                Ok(body) => serde_json::from_slice::<Refusal>(&body)
                    .map_or(CallError::Unreachable, CallError::Refused),
                Err(error) => error,
            };
        }
        wake(Wake::Listening);
        let mut line = Vec::new();
        let mut parts = response.bytes_stream();
        // Lost, silent or closed: all the same to who listens.
        while let Ok(Some(Ok(part))) = tokio::time::timeout(SILENCE, parts.next()).await {
            for byte in part {
                match byte {
                    b'\n' => {
                        if let Some(event) = event(&line) {
                            wake(event);
                        }
                        line.clear();
                    }
                    byte if line.len() < MAX_EVENT_LINE_BYTES => line.push(byte),
                    _ => return CallError::BadAnswer("a line of the event stream is too long".to_owned()),
                }
            }
        }
        CallError::Unreachable
    }

    fn unreachable(&self, problem: &reqwest::Error) -> CallError {
        let said = if problem.is_timeout() { "it does not answer".to_owned() } else { innermost(problem) };
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
        CallError::Unreachable
    }
}

fn is_event_stream(media_type: &HeaderValue) -> bool {
    media_type.as_bytes().starts_with(b"text/event-stream")
}

/// What a line says. Only the names of events matter: what they are about is asked for.
fn event(line: &[u8]) -> Option<Wake> {
    let line = str::from_utf8(line).ok()?.trim_end_matches('\r');
    let name = line.strip_prefix("event:")?.trim_start();
    match name {
        MAILBOX_EVENT => Some(Wake::Mailbox),
        SESSIONS_EVENT => Some(Wake::Sessions),
        _ => None,
    }
}

/// The cause that stands at the end of the chain: "connection refused", "invalid peer certificate: UnknownIssuer".
pub(crate) fn innermost(problem: &dyn Error) -> String {
    let mut cause: &dyn Error = problem;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_read_by_the_names_of_its_events() {
        assert_eq!(event(b"event: mailbox"), Some(Wake::Mailbox));
        assert_eq!(event(b"event:sessions\r"), Some(Wake::Sessions));
        for other in ["", ":", "data: mailbox", "id: 7", "event: later", "event"] {
            assert_eq!(event(other.as_bytes()), None, "{other}");
        }
    }
}

//! The gateway: the REST API for programs. A client in a process, like any browser: plaintext goes in and out on the user's
//! own machine, and sealed envelopes to the server.
//!
//! | module | what it is |
//! | --- | --- |
//! | `account`, `totp`, `reset` | accounts, the second factor, a forgotten password |
//! | `messages`, `send`, `erasure` | what is written: read, sent, deleted, or made to disappear |
//! | `people`, `events` | with whom, and as it comes |
//! | `tokens` | personal tokens |
//! | `session`, `desk` | open accounts in memory, and the tokens that lead to them |
//! | `around`, `input`, `problem` | who may call, what comes in, why not |
//! | `openapi`, `page` | the API described, for programs and for people |

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Extension, Json, Router, middleware,
    routing::{any, delete, get, post, put},
};
use futures::future::join_all;
use http::StatusCode;
use reqwest::Client;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use utoipa::ToSchema;

use crate::device::{Http, Machine, Records, ServerAddress, http::connections};

mod account;
mod around;
mod desk;
mod erasure;
mod events;
mod input;
mod messages;
mod openapi;
mod page;
mod people;
mod problem;
mod reset;
mod send;
mod session;
mod tokens;
mod totp;

pub use around::{ClientAddress, RequestId};
use input::{Input, Params, Segment};
pub use openapi::openapi;
use problem::Problem;
use session::{Sessions, Signed};

/// So many requests that stretch a password wait at once: each takes a tenth of a second of a core or more.
const MAX_STRETCHING: usize = 16;
/// So long the server may take to hear of the sessions' ends when the gateway closes.
const CLOSING_PATIENCE: Duration = Duration::from_secs(3);

/// What requests are answered with.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

struct Parts {
    server: ServerAddress,
    connections: Client,
    own_names: BTreeSet<String>,
    is_https: bool,
    sessions: Sessions,
    stretching: Arc<Semaphore>,
    closing: watch::Sender<bool>,
}

impl Gateway {
    /// A gateway to `server`, reached under the names of this machine, at the address where it listens, and under
    /// `public_address`, if it has one.
    ///
    /// # Errors
    /// TLS cannot be set up, or the public address names no host: the text says so.
    pub fn new(
        server: ServerAddress,
        listen: SocketAddr,
        public_address: Option<&url::Url>,
    ) -> Result<Self, String> {
        let mut own_names: BTreeSet<String> =
            ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).into_iter().collect();
        own_names.insert(match listen.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        if let Some(url) = public_address {
            let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"));
            let host =
                host.ok_or_else(|| format!("{url} is no address: write it as https://api.example.org"))?;
            own_names.insert(host.to_ascii_lowercase());
        }
        let connections = connections(&server)?;
        Ok(Self(Arc::new(Parts {
            server,
            connections,
            own_names,
            is_https: public_address.is_some_and(|url| url.scheme() == "https"),
            sessions: Sessions::default(),
            stretching: Arc::new(Semaphore::new(MAX_STRETCHING)),
            closing: watch::channel(false).0,
        })))
    }

    /// Takes away what nobody uses any more, until it is dropped.
    pub async fn tidy(&self) {
        self.sessions().tidy().await;
    }

    /// Ends all sessions, on the server too, and what waits for events.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        let desks = self.sessions().drain();
        let ends = join_all(desks.iter().map(|desk| desk.close()));
        // Those that the server did not hear of end by themselves.
        let _ = tokio::time::timeout(CLOSING_PATIENCE, ends).await;
    }

    fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// A device that is not signed in yet, for a request from this address.
    fn machine(&self, address: Option<Extension<ClientAddress>>) -> Arc<Machine> {
        let address: Option<IpAddr> = address.map(|Extension(ClientAddress(address))| address);
        let http = Http::new(self.0.server.clone(), self.0.connections.clone()).on_behalf_of(address);
        Machine::new(http, Records::memory())
    }

    /// A place among those who stretch passwords.
    fn place_to_stretch(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.0.stretching).try_acquire_owned();
        place.map_err(|_| Problem::busy("Too many sign in at this moment: try again in a few seconds"))
    }

    /// Whether this name, with or without a port, is one of the gateway's own.
    fn is_own_host(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        self.0.own_names.contains(&name.to_ascii_lowercase())
    }

    fn is_https(&self) -> bool {
        self.0.is_https
    }

    fn is_closing(&self) -> bool {
        *self.0.closing.borrow()
    }

    async fn closing(&self) {
        let mut closing = self.0.closing.subscribe();
        // The sender lives as long as `self`.
        let _ = closing.wait_for(|closing| *closing).await;
    }
}

/// Every address of the API, for whatever else the router serves.
pub fn router<S: Clone + Send + Sync + 'static>(gateway: Gateway) -> Router<S> {
    Router::new()
        .route("/api/register", post(account::register))
        .route("/api/login", post(account::login))
        .route("/api/logout", post(account::logout))
        .route("/api/me", get(account::me))
        .route("/api/totp/setup", post(totp::setup))
        .route("/api/totp/enable", post(totp::enable))
        .route("/api/totp/disable", post(totp::disable))
        .route("/api/forgot-password", post(reset::forgot))
        .route("/api/reset-password", post(reset::reset))
        .route("/api/users", get(people::users))
        .route("/api/conversations", get(people::conversations))
        .route("/api/contacts/{username}/safety-number", get(people::safety_number))
        .route("/api/contacts/{username}/accept-key", post(people::accept_key))
        .route("/api/conversations/{id}/timer", put(erasure::set_timer))
        .route("/api/messages", get(messages::list).post(send::send))
        .route("/api/messages/{id}", get(messages::one).delete(erasure::delete))
        .route("/api/group-messages", post(send::send_to_group))
        .route("/api/events", get(events::events))
        .route("/api/events/ack", post(events::acknowledge))
        .route("/api/tokens", get(tokens::list).post(tokens::create))
        .route("/api/tokens/{id}", delete(tokens::revoke))
        .route("/api/health", get(health))
        .route("/api/openapi.json", get(openapi::serve))
        .route("/api/docs", get(page::page))
        .route("/api/docs.css", get(page::style))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path is called with another method: see GET /api/docs",
            )
        })
        .route("/api", any(unknown))
        .route("/api/{*unknown}", any(unknown))
        .layer(middleware::from_fn_with_state(gateway.clone(), around::around))
        .with_state(gateway)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such address: see GET /api/docs")
}

/// It runs.
#[derive(Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The gateway's version.
    version: &'static str,
}

/// Whether the gateway runs.
#[utoipa::path(get, path = "/api/health", tag = "Gateway", responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_answers_under_its_own_names_only() {
        let server: ServerAddress = "https://chat.example.org".parse().unwrap();
        let public = "https://api.example.org".parse().unwrap();
        let listen = "192.0.2.7:8090".parse().unwrap();
        let gateway = Gateway::new(server.clone(), listen, Some(&public)).unwrap();
        for own in [
            "192.0.2.7:8090",
            "127.0.0.1",
            "127.0.0.1:8080",
            "localhost:1",
            "[::1]:8080",
            "[::1]",
            "API.example.org",
        ] {
            assert!(gateway.is_own_host(own), "{own}");
        }
        for foreign in ["", "evil.example", "127.0.0.1.evil.example:8080", "chat.example.org", "::1", ":8080"]
        {
            assert!(!gateway.is_own_host(foreign), "{foreign}");
        }
        assert!(Gateway::new(server, listen, Some(&"example.org:443".parse().unwrap())).is_err());
    }
}

//! HTTP: what comes in, and how it is answered.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`listener`] | connections: timeouts, caps, the end |
//! | [`peer`] | where a request comes from |
//! | [`unread`] | answers that nobody reads |
//! | [`envelope`] | around every request: its id, its line in the log, the last word on its answer |
//! | [`security_headers`] | what every answer tells the browser to be careful with |
//! | [`calls`] | `POST /fn/…`: the relay's calls |
//! | [`same_site`], [`body`], [`session`] | what a call is checked for, and how its session travels |
//! | [`refusal`] | refusals as answers |
//! | [`events`] | `GET /events`: the stream that says a mailbox has grown |
//! | [`pages`], [`assets`] | what the browser shows |
//! | [`gateway`] | `/api/…`: the REST API for programs, where it is served |
//! | [`health`] | `/healthz`, `/readyz` |

use std::sync::Arc;

use axum::{Router, middleware, routing::any};
use cli::gateway::Gateway;
use protocol::{call, refusal::Code};
use relay::{Relay, port::Store};

use crate::{config::Http, shutdown::Shutdown, site::Site};

mod assets;
mod body;
mod calls;
mod envelope;
mod events;
mod gateway;
mod health;
mod listener;
mod pages;
mod peer;
mod refusal;
mod same_site;
mod security_headers;
mod session;
mod unread;

pub(crate) use envelope::around;
pub(crate) use listener::{Bounds, serve};
use refusal::RefusedAnswer;

/// What requests are answered with.
#[derive(Clone)]
pub(crate) struct Server(Arc<Parts>);

struct Parts {
    http: Http,
    relay: Relay,
    store: Arc<dyn Store>,
    site: Site,
    gateway: Option<Gateway>,
    shutdown: Shutdown,
}

impl Server {
    pub(crate) fn new(
        http: Http,
        relay: Relay,
        store: Arc<dyn Store>,
        site: Site,
        gateway: Option<Gateway>,
        shutdown: Shutdown,
    ) -> Self {
        Self(Arc::new(Parts { http, relay, store, site, gateway, shutdown }))
    }

    fn http(&self) -> &Http {
        &self.0.http
    }

    fn relay(&self) -> &Relay {
        &self.0.relay
    }

    fn store(&self) -> &dyn Store {
        self.0.store.as_ref()
    }

    fn site(&self) -> &Site {
        &self.0.site
    }

    fn gateway(&self) -> Option<Gateway> {
        self.0.gateway.clone()
    }

    fn shutdown(&self) -> Shutdown {
        self.0.shutdown.clone()
    }
}

/// Every address and who answers there.
pub(crate) fn router(server: Server) -> Router {
    let mut router = Router::new()
        .route(call::EVENTS_PATH, any(events::events))
        .route("/healthz", any(health::healthz))
        .route("/readyz", any(health::readyz))
        .route("/fn/{*unknown}", any(async || RefusedAnswer::from(Code::NotFound)));
    for path in call::PATHS {
        router = router.route(path, any(calls::call));
    }
    let router = gateway::mount(router, &server);
    pages::mount(router, &server)
        .layer(middleware::from_fn_with_state(server.clone(), security_headers::add))
        .layer(middleware::from_fn(envelope::around))
        .with_state(server)
}

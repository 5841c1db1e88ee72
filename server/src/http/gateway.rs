//! `/api/…`: the REST API for programs, where it is served; where it is not, a word that says where it is.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::any,
};
use cli::gateway::{self, ClientAddress};
use protocol::{Refusal, refusal::Code};

use super::{Server, peer, refusal::RefusedAnswer};

/// Adds the API's addresses.
pub(super) fn mount(router: Router<Server>, server: &Server) -> Router<Server> {
    match server.gateway() {
        Some(gateway) => {
            let from = middleware::from_fn_with_state(server.clone(), tell_from_where);
            router.merge(gateway::router(gateway).layer(from))
        }
        None => router.route("/api", any(absent)).route("/api/{*unknown}", any(absent)),
    }
}

/// The gateway asks the server on behalf of whoever asks it: guessing is slowed down by the network that it comes from.
async fn tell_from_where(State(server): State<Server>, mut request: Request, next: Next) -> Response {
    let address = peer::client_address(&request, &server.http().trusted_proxies);
    // A proxy that nobody told the server of brings others here, under this machine's name.
    if server.http().serves_gateway_to_this_machine_only() && !address.to_canonical().is_loopback() {
        return absent().await.into_response();
    }
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

async fn absent() -> RefusedAnswer {
    RefusedAnswer(Refusal::because(
        Code::NotFound,
        "This server does not serve the REST API, because it could read along: run \
         `secure-messaging gateway --server` with this server's address on your own machine",
    ))
}

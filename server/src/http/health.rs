//! For those who watch over the server: `/healthz` says that it runs, `/readyz` that it can do its work.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use protocol::{Refusal, SessionId};

use super::{Server, refusal::RefusedAnswer};

/// The process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers: a session that is nobody's is looked for.
pub(super) async fn readyz(State(server): State<Server>) -> Response {
    match server.store().find_session(SessionId::from_bytes([0; 16])).await {
        Ok(_) => "ready\n".into_response(),
        Err(trouble) => RefusedAnswer(Refusal::from(trouble)).into_response(),
    }
}

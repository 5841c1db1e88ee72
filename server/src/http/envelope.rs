//! Around every request: its id, its line in the log, and the last word on its answer.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use cli::gateway::RequestId;
use futures::FutureExt;
use http::{HeaderName, HeaderValue};
use protocol::refusal::Code;
use relay::port::Entropy;
use tracing::{Instrument, info, info_span};

use super::refusal::{RefusedAnswer, completed};
use crate::system::{Stopwatch, SystemEntropy};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Names the request, answers it, and logs a line: method, path, status, time, id. Never a query, a cookie or a body.
pub(crate) async fn around(mut request: Request, next: Next) -> Response {
    let clock = Stopwatch::start();
    let id = request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let span = info_span!("request", id);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let answer = answer.unwrap_or_else(|_| RefusedAnswer::from(Code::Internal).into_response());
    let mut answer = completed(answer, &id);
    let status = answer.status().as_u16();
    let ms = clock.elapsed_ms();
    span.in_scope(|| info!(%method, path, status, ms, "answered"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    answer
}

/// 64 random bits in hex: enough to find one line among many.
fn request_id() -> String {
    let mut bytes = [0; 8];
    SystemEntropy.fill(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

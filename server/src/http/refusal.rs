//! Refusals as answers. Who refuses says only what and why; the request's id and the form are added in
//! [`envelope`](super::envelope), once for all.

use axum::{
    Json,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use protocol::{Refusal, refusal::Code};

/// An answer that refuses.
#[derive(Clone, Debug)]
pub(super) struct RefusedAnswer(pub(super) Refusal);

impl From<Refusal> for RefusedAnswer {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for RefusedAnswer {
    fn from(code: Code) -> Self {
        Self(code.into())
    }
}

impl IntoResponse for RefusedAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.code);
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a refusing answer its body.
pub(super) fn completed(mut response: Response, request_id: &str) -> Response {
    let Some(RefusedAnswer(mut refusal)) = response.extensions_mut().remove() else {
        return response;
    };
    refusal.request_id = Some(request_id.to_owned());
    let (given, _) = response.into_parts();
    let retry_after = refusal.retry_after_s.map(HeaderValue::from);
    let mut completed = (given.status, Json(refusal)).into_response();
    for (name, value) in &given.headers {
        completed.headers_mut().insert(name, value.clone());
    }
    if let Some(seconds) = retry_after {
        completed.headers_mut().insert(RETRY_AFTER, seconds);
    }
    completed
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_status_of_http() {
        for code in Code::ALL {
            assert_eq!(status(*code).as_u16(), code.status(), "{code:?}");
        }
    }
}

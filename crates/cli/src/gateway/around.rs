//! Around every request: who may call from where, the request's id, and the last word on a problem.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, HOST, ORIGIN},
};

use super::{Gateway, Problem, problem};
use crate::system;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that whoever serves the gateway gave to a request; without one the gateway draws its own.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The machine that asks, as whoever serves the gateway found out.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

pub(super) async fn around(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let id = request.extensions().get().map_or_else(drawn_id, |RequestId(id)| id.clone());
    let answer = match check(&gateway, request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let mut answer = problem::completed(answer, &id);
    let headers = answer.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    answer
}

/// Lets programs pass, and the gateway's own page; never a page of another site. A page that reached this machine under a
/// name of its own (DNS rebinding) would call itself of the same site, so the name is looked at too.
fn check(gateway: &Gateway, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let forbidden = |detail| Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail));
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    // HTTP/1.1 has exactly one; without one no browser asks.
    let host = headers.get(HOST).map(text);
    if let Some(host) = &host
        && !gateway.is_own_host(host)
    {
        return forbidden("This gateway is reached under its own address only: name it with --base-url");
    }
    // Following a link to the documentation is no call.
    let is_read = method == Method::GET || method == Method::HEAD;
    let site = headers.get(SEC_FETCH_SITE).map(text);
    let is_navigation = is_read && headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if site.is_some_and(|site| site != "same-origin" && site != "none") && !is_navigation {
        return forbidden("This request comes from another site's page");
    }
    if let Some(origin) = headers.get(ORIGIN).map(text) {
        let own = host.unwrap_or_default();
        if origin != format!("http://{own}") && origin != format!("https://{own}") {
            return forbidden("This request comes from another site's page");
        }
    }
    Ok(())
}

fn drawn_id() -> String {
    let mut bytes = [0; 8];
    system::fill(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

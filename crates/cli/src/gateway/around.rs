//! Around every request: who may call from where, the request's id, and the last word on a problem.

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        X_FRAME_OPTIONS,
    },
};

use super::{Gateway, Problem, problem};
use crate::system;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// What may be followed to from anywhere: nothing of anybody's is in it.
const DOCUMENTATION: [&str; 3] = ["/api/docs", "/api/docs.css", "/api/openapi.json"];
/// What every answer tells a browser to be careful with, where whoever serves the gateway says nothing.
const CAREFUL: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id that whoever serves the gateway gave to a request; without one the gateway draws its own.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The machine that asks, as whoever serves the gateway found out.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

pub(super) async fn around(State(gateway): State<Gateway>, request: Request, next: Next) -> Response {
    let id = request.extensions().get().map_or_else(drawn_id, |RequestId(id)| id.clone());
    let answer = match check(&gateway, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let mut answer = problem::completed(answer, &id);
    let headers = answer.headers_mut();
    for (name, value) in CAREFUL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    answer
}

/// Lets programs pass, and the gateway's own page; never a page of another site. A page that reached this machine under a
/// name of its own (DNS rebinding) would call itself of the same site, so the name is looked at too.
fn check(gateway: &Gateway, request: &Request) -> Result<(), Problem> {
    let forbidden = |detail| Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail));
    let headers = request.headers();
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next().map(text), hosts.next()) else {
        return Err(Problem::invalid("A request has one Host header"));
    };
    if !gateway.is_own_host(&host) {
        return forbidden("This gateway is reached under its own address only: name it with --base-url");
    }
    // Following a link to the documentation is no call.
    let is_link = request.method() == Method::GET && DOCUMENTATION.contains(&request.uri().path());
    let site = headers.get(SEC_FETCH_SITE).map(text);
    if site.is_some_and(|site| site != "same-origin" && site != "none") && !is_link {
        return forbidden("This request comes from another site's page");
    }
    if let Some(origin) = headers.get(ORIGIN).map(text)
        && origin != format!("http://{host}")
        && origin != format!("https://{host}")
    {
        return forbidden("This request comes from another site's page");
    }
    Ok(())
}

fn drawn_id() -> String {
    let mut bytes = [0; 8];
    system::fill(&mut bytes);
    format!("{:016x}", u64::from_le_bytes(bytes))
}

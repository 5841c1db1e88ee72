//! How a session travels.
//!
//! A browser carries its session's token in a cookie that scripts cannot read. A program (a request with neither
//! `Sec-Fetch-Site` nor `Origin`, which no script in a browser can bring about) also gets the token in the answer that
//! begins the session, as `token`, and presents it in `Authorization: Bearer`; a token that was renewed comes in the
//! header `Session-Token`.

use app::api::exchange::{SessionChange, TokenRecipient};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, COOKIE, SET_COOKIE},
};

use super::same_site;
use crate::config::BaseUrl;

const RENEWED_TOKEN: HeaderName = HeaderName::from_static("session-token");
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// As long as a session can last.
const COOKIE_SECONDS: u64 = 30 * 24 * 60 * 60;

/// A token as a request presents it.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) token: Option<String>,
    carrier: Carrier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    Cookie,
    Bearer,
}

/// The token in the request's headers.
pub(super) fn presented(headers: &HeaderMap, base_url: &BaseUrl) -> Presented {
    match bearer(headers) {
        Some(token) => Presented { token: Some(token), carrier: Carrier::Bearer },
        None => Presented { token: cookie(headers, cookie_name(base_url)), carrier: Carrier::Cookie },
    }
}

/// Who gets the token of a session that this request begins.
pub(super) fn token_recipient(headers: &HeaderMap) -> TokenRecipient {
    if same_site::is_from_a_page(headers) { TokenRecipient::Cookie } else { TokenRecipient::Program }
}

/// Tells the client what became of its session.
pub(super) fn carry(
    change: SessionChange,
    presented: &Presented,
    base_url: &BaseUrl,
    headers: &mut HeaderMap,
) {
    match (change, presented.carrier) {
        (SessionChange::Begun(token), _) | (SessionChange::Renewed(token), Carrier::Cookie) => {
            headers.append(SET_COOKIE, set_cookie(token.expose(), COOKIE_SECONDS, base_url));
        }
        (SessionChange::Renewed(token), Carrier::Bearer) => {
            headers.insert(RENEWED_TOKEN, secret(token.expose().to_owned()));
        }
        (SessionChange::Ended, _) => {
            headers.append(SET_COOKIE, set_cookie("", 0, base_url));
            // Not "cookies": that would reach every other service under the same domain. Not "storage": the page wipes
            // this account's records itself, and may hold another's.
            headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
        }
    }
}

/// A cookie named so is bound to the host and to TLS by the browser itself; without TLS no such name can be.
fn cookie_name(base_url: &BaseUrl) -> &'static str {
    if base_url.is_https() { "__Host-session" } else { "session" }
}

fn set_cookie(token: &str, seconds: u64, base_url: &BaseUrl) -> HeaderValue {
    let name = cookie_name(base_url);
    let secure = if base_url.is_https() { "; Secure" } else { "" };
    secret(format!("{name}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}"))
}

fn secret(text: String) -> HeaderValue {
    let mut value = HeaderValue::try_from(text).expect("a token is base64url and dots");
    value.set_sensitive(true);
    value
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, token)| token.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&str, &str)]) -> HeaderMap {
        given
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_token_is_found_in_its_cookie_or_behind_bearer() {
        let [plain, tls] =
            ["http://127.0.0.1:8080", "https://chat.example.org"].map(|url| url.parse().unwrap());
        let token = |given: &[(&str, &str)], base| presented(&headers(given), base).token;
        assert_eq!(token(&[("cookie", "a=b; session=T; c=d")], &plain).as_deref(), Some("T"));
        assert_eq!(token(&[("cookie", "session=T")], &tls), None, "a cookie that a neighbour could have set");
        assert_eq!(token(&[("cookie", "__Host-session=T")], &tls).as_deref(), Some("T"));
        assert_eq!(
            token(&[("authorization", "bearer T"), ("cookie", "session=U")], &plain).as_deref(),
            Some("T")
        );
        assert_eq!(token(&[("authorization", "Basic T")], &plain), None);
        assert_eq!(token(&[], &plain), None);
    }

    #[test]
    fn the_cookie_is_secure_where_tls_is() {
        let set = |url: &str| set_cookie("T", 7, &url.parse().unwrap());
        assert_eq!(set("http://127.0.0.1:8080"), "session=T; HttpOnly; SameSite=Lax; Path=/; Max-Age=7");
        assert_eq!(
            set("https://chat.example.org"),
            "__Host-session=T; HttpOnly; SameSite=Lax; Path=/; Max-Age=7; Secure"
        );
        assert!(set("https://chat.example.org").is_sensitive());
    }
}

//! Whether a request comes from our own pages, or from a program: never from another site's page.

use http::{HeaderMap, HeaderName, HeaderValue, header::ORIGIN};
use protocol::{Refusal, refusal::Code};
use tracing::warn;

use crate::config::BaseUrl;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets pass what our own pages send, and what comes from no page at all. Every request of a page that could change
/// something has an `Origin`, and it must be ours: a page that reached us under a foreign name calls itself
/// `same-origin` too. Browsers also tell the site by `Sec-Fetch-Site`, except over plain HTTP to another machine.
pub(super) fn check(headers: &HeaderMap, base_url: &BaseUrl) -> Result<(), Refusal> {
    let is_ours = |site: &HeaderValue| matches!(site.as_bytes(), b"same-origin" | b"none");
    let foreign_site = headers.get(SEC_FETCH_SITE).is_some_and(|site| !is_ours(site));
    let foreign_origin = headers.get(ORIGIN).is_some_and(|origin| !base_url.is_origin(origin.as_bytes()));
    if foreign_site || foreign_origin {
        warn!(%base_url, "a page of another address called: if it is this server's own, name its address with --base-url");
        let message =
            format!("This page was opened under another address than the server's, which is {base_url}");
        return Err(Refusal::because(Code::CrossSite, message));
    }
    Ok(())
}

/// Whether a browser sent it: each request of a page to a call has one of the two headers, and scripts cannot remove
/// them.
pub(super) fn is_from_a_page(headers: &HeaderMap) -> bool {
    headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_pass() {
        let base: BaseUrl = "https://chat.example.org".parse().unwrap();
        let check = |headers: &[(&str, &str)]| {
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            check(&headers.collect::<HeaderMap>(), &base).is_ok()
        };
        assert!(check(&[]));
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("sec-fetch-site", "none")]));
        assert!(check(&[("origin", "https://chat.example.org")]));
        for site in ["cross-site", "same-site", "", "SAME-ORIGIN"] {
            assert!(!check(&[("sec-fetch-site", site)]), "{site}");
        }
        for origin in
            ["https://evil.example", "http://chat.example.org", "https://chat.example.org:444", "null", ""]
        {
            assert!(!check(&[("origin", origin)]), "{origin}");
        }
        assert!(!check(&[("sec-fetch-site", "cross-site"), ("origin", "https://chat.example.org")]));
        assert!(!check(&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")]));
    }
}

//! The site's files: compressed as the browser takes them, kept by it for ever where the name says what is inside.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderName, Method,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY},
};

use super::Server;
use crate::site::{Accepted, Asset, Lasts};

/// The file at this address, if there is one.
pub(super) async fn find(
    server: &Server,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let Asset { content, media_type, encoding, lasts } = server.site().find(path, accepted(headers)).await?;
    let cache: &str = match lasts {
        Lasts::Forever => "public, max-age=31536000, immutable",
        Lasts::ADay => "public, max-age=86400",
        Lasts::NotAtAll => "no-cache",
    };
    let fixed: [(HeaderName, &str); 3] =
        [(CONTENT_TYPE, media_type), (CACHE_CONTROL, cache), (VARY, "accept-encoding")];
    let encoding = encoding.map(|encoding| [(CONTENT_ENCODING, encoding)]);
    Some((fixed, encoding_header(encoding), Body::from(content)).into_response())
}

fn encoding_header(encoding: Option<[(HeaderName, &'static str); 1]>) -> HeaderMap {
    encoding
        .into_iter()
        .flatten()
        .map(|(name, value)| (name, http::HeaderValue::from_static(value)))
        .collect()
}

fn accepted(headers: &HeaderMap) -> Accepted {
    let mut accepted = Accepted::default();
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for coding in values.flat_map(|text| text.split(',')) {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused =
            weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
        match name.trim() {
            "br" => accepted.brotli = !is_refused,
            "gzip" => accepted.gzip = !is_refused,
            _ => {}
        }
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_taken_by_name_unless_refused() {
        let of = |text: &str| {
            let Accepted { brotli, gzip } =
                accepted(&HeaderMap::from_iter([(ACCEPT_ENCODING, text.parse().unwrap())]));
            (brotli, gzip)
        };
        assert_eq!(of("gzip, deflate, br, zstd"), (true, true));
        assert_eq!(of("gzip;q=0.5, br;q=0"), (false, true));
        assert_eq!(of("br;q=0.000"), (false, false));
        assert_eq!(of("identity"), (false, false));
    }
}

//! What comes with a request: parsed once, strictly, and refused with a sentence.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use futures::StreamExt;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE, request::Parts};
use protocol::{Code, limits::MAX_TEXT_BYTES};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Gateway, Problem};

/// Longest body, in bytes: the longest text with every byte escaped to six, and the names of a hundred recipients.
const MAX_BODY_BYTES: usize = 6 * MAX_TEXT_BYTES + 16 * 1024;
/// What is longer than this is not even thrown away.
const MAX_DRAINED_BYTES: usize = 16 * 1024 * 1024;
/// A body that is not there by then does not come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A JSON body.
pub(super) struct Input<T>(pub(super) T);

/// The parameters after the question mark.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Gateway> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Gateway) -> Result<Self, Problem> {
        require_json(request.headers())?;
        parse(&read(request.into_body()).await?).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequestParts<Gateway> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Gateway) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(params)| Self(params))
            .map_err(|refused| Problem::invalid(refusal(&refused.body_text())))
    }
}

/// What stands after the question mark, or in the path, and why it is not taken: without the library's own words before it.
fn refusal(text: &str) -> String {
    let why = text.rsplit_once("query string: ").map_or(text, |(_, why)| why);
    format!("The address is not what it should be: {why}")
}

/// The one varying part of a path.
pub(super) struct Segment(pub(super) String);

impl FromRequestParts<Gateway> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gateway: &Gateway) -> Result<Self, Problem> {
        let segment = Path::<String>::from_request_parts(parts, gateway).await;
        segment
            .map(|Path(text)| Self(text))
            .map_err(|refused| Problem::invalid(refusal(&refused.body_text())))
    }
}

/// A body that may be missing altogether.
pub(super) async fn optional<T: DeserializeOwned + Default>(request: Request) -> Result<T, Problem> {
    let head = request.headers().clone();
    let body = read(request.into_body()).await?;
    if body.is_empty() {
        return Ok(T::default());
    }
    require_json(&head)?;
    parse(&body)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // A list of the fields' values is no form, though serde takes it for one.
    if body.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(Problem::invalid("The body is not what this address takes: it must be a JSON object"));
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid(format!("The body is not what this address takes: {error}")))
}

/// Lets JSON pass, and nothing that a form of another site could send without being asked first.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = media_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    if is_json && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8")) {
        return Ok(());
    }
    Err(Problem {
        detail: "The body must be JSON: send the header Content-Type: application/json".into(),
        ..Code::WrongMediaType.into()
    })
}

/// What is too long is read to its end all the same, within reason: who is still sending does not hear an answer.
async fn read(body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let reading = async {
        let mut whole = Zeroizing::new(Vec::new());
        let mut length = 0;
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|_| Problem::invalid("The request was cut off: send it again"))?;
            length += part.len();
            if length > MAX_DRAINED_BYTES {
                break;
            }
            if length <= MAX_BODY_BYTES {
                whole.extend_from_slice(&part);
            }
        }
        if length <= MAX_BODY_BYTES {
            return Ok(whole);
        }
        let detail = format!("The body is too large: at most {MAX_BODY_BYTES} bytes");
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
    };
    let late = || Problem::invalid("The body did not arrive in time: send it again");
    tokio::time::timeout(BODY_TIMEOUT, reading).await.unwrap_or_else(|_| Err(late()))
}

/// Serde for what must not hold U+0000.
pub(super) mod text {
    use serde::{Deserialize, Deserializer, de::Error};

    pub(in crate::gateway) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        without_nul(String::deserialize(deserializer)?)
    }

    fn without_nul<E: Error>(text: String) -> Result<String, E> {
        if text.contains('\0') {
            return Err(E::custom("a text holds the character U+0000"));
        }
        Ok(text)
    }
}

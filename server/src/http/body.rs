//! Bodies: of the right type, not too large, not too late.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use protocol::{
    Call, Refusal,
    limits::{MAX_PUBLISH_BODY_BYTES, MAX_SEND_BODY_BYTES, MAX_SMALL_BODY_BYTES},
    mailbox, prekey,
    refusal::Code,
};

/// The largest body that a call may have, in bytes.
pub(super) fn limit(path: &str) -> usize {
    match path {
        mailbox::Send::PATH => MAX_SEND_BODY_BYTES,
        prekey::PublishPrekeys::PATH => MAX_PUBLISH_BODY_BYTES,
        _ => MAX_SMALL_BODY_BYTES,
    }
}

/// Lets JSON pass, and nothing that a form or a script of another site could send without being asked first.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Code> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Code::WrongMediaType);
    };
    let mut parts = value.to_str().map_err(|_| Code::WrongMediaType)?.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media_type| media_type.eq_ignore_ascii_case("application/json"));
    if is_json && parts.all(|parameter| parameter.eq_ignore_ascii_case("charset=utf-8")) {
        Ok(())
    } else {
        Err(Code::WrongMediaType)
    }
}

/// The whole body.
pub(super) async fn read(body: Body, limit: usize, timeout: Duration) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout(timeout, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(problem)) if problem.is::<LengthLimitError>() => {
            Err(Refusal::because(Code::TooLarge, format!("The request is too large: at most {limit} bytes")))
        }
        Ok(Err(_)) => Err(Refusal::because(Code::InvalidRequest, "The request was cut off: send it again")),
        Err(_) => Err(Refusal::because(
            Code::InvalidRequest,
            format!("The request did not arrive within {} s: send it again", timeout.as_secs()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_json() {
        let check = |value: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
            require_json(&headers).is_ok()
        };
        assert!(check("application/json"));
        assert!(check("Application/JSON; charset=UTF-8"));
        for other in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "text/plain; application/json",
            "application/json; charset=latin1",
            "",
        ] {
            assert!(!check(other), "{other}");
        }
        assert!(require_json(&HeaderMap::new()).is_err());
    }
}

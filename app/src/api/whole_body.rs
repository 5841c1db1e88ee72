//! A body that is the request itself.
//!
//! A server function's arguments are the fields of one struct, so with the codec that comes with Leptos a body would be
//! `{"request": {…}}`. The protocol's bodies have no such wrapper: this codec puts it on when it reads, and takes it off
//! when it writes. It is strict: a body is one JSON object, nothing follows it, and no text in it holds U+0000.

use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType, codec::Post};
use serde::{
    Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, IntoDeserializer, Visitor, value::MapDeserializer},
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};

/// The codec, for `input` of `#[server]`; the function's one argument is called `request`.
pub type WholeBody = Post<WholeBodyEncoding>;

/// The encoding of [`WholeBody`].
pub struct WholeBodyEncoding;

/// What every server function calls its argument.
const ARGUMENT: &str = "request";

impl ContentType for WholeBodyEncoding {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for WholeBodyEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for WholeBodyEncoding {
    type Error = Error;

    fn encode(arguments: &T) -> Result<Bytes, Error> {
        let mut arguments = serde_json::to_value(arguments)?;
        let request = arguments.get_mut(ARGUMENT).map(Value::take);
        let request =
            request.ok_or_else(|| Error::custom("a server function takes one argument, `request`"))?;
        serde_json::to_vec(&request).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for WholeBodyEncoding {
    type Error = Error;

    fn decode(body: Bytes) -> Result<T, Error> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return Err(Error::custom("the body must be a JSON object"));
        }
        if holds_nul(&body) {
            return Err(Error::custom("text with the character U+0000 is not accepted"));
        }
        T::deserialize(MapDeserializer::new([(ARGUMENT, Body(&body))].into_iter()))
    }
}

/// Whether a JSON text holds an escaped U+0000; a bare one is no JSON at all.
fn holds_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        // Behind a backslash stands one escaped character, perhaps another backslash.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// The whole body, as the value of one field.
#[derive(Clone, Copy)]
struct Body<'de>(&'de [u8]);

impl<'de> IntoDeserializer<'de, Error> for Body<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Body<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut json = serde_json::Deserializer::from_slice(self.0);
        let value = json.deserialize_any(visitor)?;
        json.end()?;
        Ok(value)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use protocol::account::Prelogin;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Arguments {
        request: Prelogin,
    }

    fn decoded(body: &str) -> Result<String, String> {
        let arguments: Result<Arguments, _> =
            WholeBodyEncoding::decode(Bytes::copy_from_slice(body.as_bytes()));
        arguments.map(|it| it.request.username.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_body_is_the_request_itself() {
        let request = Prelogin { username: "alice".parse().unwrap() };
        let body = WholeBodyEncoding::encode(&Arguments { request }).unwrap();
        assert_eq!(body, r#"{"username":"alice"}"#);
        assert_eq!(decoded(std::str::from_utf8(&body).unwrap()), Ok("alice".to_owned()));
        assert_eq!(decoded(" \n{\"username\":\"alice\"}\n"), Ok("alice".to_owned()));
    }

    #[test]
    fn what_is_not_exactly_the_request_is_refused_and_named() {
        for (body, named) in [
            ("", "JSON object"),
            (r#"["alice"]"#, "JSON object"),
            (r#""alice""#, "JSON object"),
            (r#"{"username":"alice"} {}"#, "trailing characters"),
            (r#"{"username":"alice","admin":true}"#, "unknown field `admin`"),
            (r#"{"request":{"username":"alice"}}"#, "unknown field `request`"),
            (r#"{"username":"alice","username":"bob"}"#, "duplicate field"),
            (r#"{"username":7}"#, "invalid type"),
            (r#"{}"#, "missing field `username`"),
            (r#"{"username":"al\u0000ice"}"#, "U+0000"),
            (r#"{"username":"\\\u0000"}"#, "U+0000"),
            (r#"{"username":"alice""#, "EOF"),
            (r#"{"username":"al ice"}"#, "letters a to z"),
        ] {
            let problem = decoded(body).unwrap_err();
            assert!(problem.contains(named), "{body}: {problem}");
        }
        assert!(!holds_nul(br#"{"path":"\\u0000"}"#), "a backslash and then plain text");
        assert!(!holds_nul(br#"{"a":"\"#), "cut off");
    }

    #[test]
    fn depth_is_limited() {
        let deep = format!("{{\"username\":{}", "[".repeat(100_000));
        assert!(decoded(&deep).is_err());
    }
}

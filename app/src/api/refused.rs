//! A refusal, as server functions want their errors.

use core::fmt;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use protocol::{Code, Refusal};
use serde::{Deserialize, Serialize};

/// A [`Refusal`]; its wire form is the refusal's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Refused(pub Refusal);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for Refused {
    fn from(code: Code) -> Self {
        Self(code.into())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What goes wrong around a server function: a body that does not parse is the caller's, all else the server's.
impl FromServerFnError for Refused {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        Self(match error {
            ServerFnErrorErr::Deserialization(problem)
            | ServerFnErrorErr::Args(problem)
            | ServerFnErrorErr::MissingArg(problem) => {
                Refusal::because(Code::InvalidRequest, format!("The request is not valid: {problem}"))
            }
            _ => Code::Internal.into(),
        })
    }
}

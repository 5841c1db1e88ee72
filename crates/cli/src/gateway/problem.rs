//! Why a request was not answered: the document's `detail`, within RFC 9457's problem details.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use client::{
    AcceptKeyError, CallError, ComposeError, DeleteError, Interruption, OpenConversationError, ResetError,
    SettingsError, SignInError, SignUpError, StoreUnavailable, SyncError, TimerError,
};
use http::{
    HeaderValue, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use protocol::{Code, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

/// After so long it makes sense to try again what failed for want of a server.
const RETRY_UNREACHABLE_S: u32 = 5;

/// An answer that refuses. The request's id is added in [`around`](super::around), once for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    pub(super) detail: Cow<'static, str>,
    pub(super) retry_after_s: Option<u32>,
}

/// A problem as it travels (RFC 9457, `application/problem+json`).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Always `about:blank`: what the problem is stands in `code`.
    r#type: &'static str,
    /// What the status is called.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do, for the person who reads it.
    detail: Cow<'static, str>,
    /// What programs match on: stable.
    code: Cow<'static, str>,
    /// The request's id in the gateway's log; also in the header `X-Request-Id`.
    request_id: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: Cow::Borrowed(code), detail: detail.into(), retry_after_s: None }
    }

    pub(super) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail)
    }

    pub(super) fn not_signed_in() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not_signed_in",
            "Not signed in: send the cookie or the token of POST /api/login (curl -b cookies.txt, or Authorization: Bearer)",
        )
    }

    pub(super) fn recipient_not_found() -> Self {
        Code::UnknownRecipient.into()
    }

    pub(super) fn conversation_not_found() -> Self {
        Self::not_found("There is no such conversation: GET /api/conversations lists them")
    }

    pub(super) fn key_changed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "key_changed", detail)
    }

    pub(super) fn not_sent(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT, "not_sent", detail)
    }

    pub(super) fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(super) fn busy(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(RETRY_UNREACHABLE_S)
    }

    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Whether the session is over, so that the gateway can forget it.
    pub(super) fn ends_the_session(&self) -> bool {
        self.code == "not_signed_in"
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives a refusing answer its body.
pub(super) fn completed(mut response: Response, request_id: &str) -> Response {
    let Some(Problem { status, code, detail, retry_after_s }) = response.extensions_mut().remove() else {
        return response;
    };
    let body = ProblemBody {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Refused"),
        status: status.as_u16(),
        detail,
        code,
        request_id: request_id.to_owned(),
    };
    *response.body_mut() = Body::from(serde_json::to_vec(&body).expect("a problem is a plain struct"));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = retry_after_s {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // Codes travel by the names that they have in the protocol.
        let code = serde_json::to_value(refusal.code).ok();
        let code = code.and_then(|code| code.as_str().map(str::to_owned));
        Self {
            status,
            code: Cow::Owned(code.unwrap_or_else(|| "unknown".to_owned())),
            detail: refusal.message,
            retry_after_s: refusal.retry_after_s,
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Refusal::new(code).into()
    }
}

impl From<Interruption> for Problem {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::SessionEnded => Self::new(
                StatusCode::UNAUTHORIZED,
                "not_signed_in",
                "Your session has ended: sign in again with POST /api/login",
            ),
            Interruption::Unreachable => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "server_unreachable",
                "The server cannot be reached: nothing was lost, try again",
            )
            .retry_after(RETRY_UNREACHABLE_S),
            Interruption::Busy(refusal) | Interruption::Refused(refusal) => refusal.into(),
            Interruption::BadAnswer(_) | Interruption::OwnLog(_) | Interruption::Vault(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "bad_answer", interruption.to_string())
            }
            Interruption::NameOfAnother => Self::key_changed(interruption.to_string()),
            Interruption::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        Interruption::from(error).into()
    }
}

impl From<StoreUnavailable> for Problem {
    fn from(error: StoreUnavailable) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string())
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Gap => Self::new(StatusCode::BAD_GATEWAY, "bad_answer", error.to_string()),
            SyncError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SignUpError> for Problem {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Password(refused) => {
                Self::new(StatusCode::BAD_REQUEST, "weak_password", refused.to_string())
            }
            SignUpError::UsernameTaken => Code::UsernameTaken.into(),
            SignUpError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::WrongCredentials => Code::WrongCredentials.into(),
            SignInError::SecondFactorRequired => Code::SecondFactorRequired.into(),
            SignInError::WrongCode => Code::WrongCode.into(),
            SignInError::WeakerProtection | SignInError::AccountKey => {
                Self::new(StatusCode::BAD_GATEWAY, "bad_answer", error.to_string())
            }
            SignInError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::WrongPassword => {
                Self::new(StatusCode::UNAUTHORIZED, "wrong_credentials", error.to_string())
            }
            SettingsError::SecondFactorRequired => Code::SecondFactorRequired.into(),
            SettingsError::WrongCode => Code::WrongCode.into(),
            SettingsError::Password(refused) => {
                Self::new(StatusCode::BAD_REQUEST, "weak_password", refused.to_string())
            }
            SettingsError::WeakerProtection => {
                Self::new(StatusCode::BAD_GATEWAY, "bad_answer", error.to_string())
            }
            SettingsError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Token(said) => Self::new(StatusCode::BAD_REQUEST, "invalid_token", said),
            ResetError::SecondFactorRequired => Code::SecondFactorRequired.into(),
            ResetError::WrongCode => Code::WrongCode.into(),
            ResetError::Password(refused) => {
                Self::new(StatusCode::BAD_REQUEST, "weak_password", refused.to_string())
            }
            ResetError::Vault(refused) => {
                Self::new(StatusCode::BAD_GATEWAY, "bad_answer", refused.to_string())
            }
            ResetError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<OpenConversationError> for Problem {
    fn from(error: OpenConversationError) -> Self {
        match error {
            OpenConversationError::Nobody | OpenConversationError::TooMany => {
                Self::invalid(error.to_string())
            }
            OpenConversationError::UnknownAccounts(_) => Self::recipient_not_found(),
            OpenConversationError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<ComposeError> for Problem {
    fn from(error: ComposeError) -> Self {
        match error {
            ComposeError::Text(refused) => Self::invalid(refused.to_string()),
            ComposeError::UnknownConversation => Self::recipient_not_found(),
            ComposeError::NameUsed => Self::new(
                StatusCode::CONFLICT,
                "message_conflict",
                "Another message was sent under this Idempotency-Key: choose a new one for a new message",
            ),
            ComposeError::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<AcceptKeyError> for Problem {
    fn from(error: AcceptKeyError) -> Self {
        match error {
            AcceptKeyError::ChangedAgain => Self::key_changed(error.to_string()),
            AcceptKeyError::NothingOffered => Self::not_found(error.to_string()),
            AcceptKeyError::Interrupted(interruption) => interruption.into(),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Self {
        match error {
            DeleteError::UnknownMessage => Self::not_found(error.to_string()),
            DeleteError::NotYours => Self::new(StatusCode::FORBIDDEN, "not_yours", error.to_string()),
            DeleteError::Timer => Self::new(StatusCode::CONFLICT, "timer_stays", error.to_string()),
            DeleteError::Device(unavailable) => unavailable.into(),
        }
    }
}

impl From<TimerError> for Problem {
    fn from(error: TimerError) -> Self {
        match error {
            TimerError::OutOfRange => Self::invalid(error.to_string()),
            TimerError::UnknownConversation => Self::conversation_not_found(),
            TimerError::Device(unavailable) => unavailable.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::password::PasswordRefused;

    use super::*;

    #[test]
    fn the_documents_sentences_are_kept() {
        let said = |problem: Problem| (problem.status.as_u16(), problem.detail.into_owned());
        let owned = |status: u16, text: &str| (status, text.to_owned());
        assert_eq!(
            said(SignUpError::Password(PasswordRefused::TooShort).into()),
            owned(400, "Password must be at least 8 characters long")
        );
        assert_eq!(said(SignUpError::UsernameTaken.into()), owned(409, "User already exists"));
        assert_eq!(said(SignInError::WrongCode.into()), owned(401, "Invalid TOTP token"));
        let expired = ResetError::from(CallError::Refused(Code::TokenExpired.into()));
        assert_eq!(said(expired.into()), owned(400, "Reset token has expired"));
        assert_eq!(said(Problem::recipient_not_found()), owned(404, "Recipient not found"));
    }

    #[test]
    fn codes_are_those_of_the_protocol_and_who_must_wait_is_told_how_long() {
        let problem = Problem::from(Interruption::Busy(Refusal::new(Code::TooManyRequests).retry_after(7)));
        assert_eq!((problem.code.as_ref(), problem.retry_after_s), ("too_many_requests", Some(7)));
        assert!(Problem::from(Interruption::SessionEnded).ends_the_session());
        assert!(Problem::not_signed_in().ends_the_session());
    }
}

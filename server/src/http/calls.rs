//! `POST /fn/…`: the relay's calls. Each passes the same checks in the same order, and becomes a server function.

use app::api::{Refused, exchange::Exchange};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method,
    header::{ACCEPT, ALLOW, REFERER},
};
use http_body_util::BodyExt;
use leptos::{prelude::provide_context, server_fn::error::SERVER_FN_ERROR_HEADER};
use leptos_axum::handle_server_fns_with_context;
use protocol::{Refusal, refusal::Code};

use super::{Server, body, peer, refusal::RefusedAnswer, same_site, session};

pub(super) async fn call(State(server): State<Server>, request: Request) -> Response {
    if request.method() != Method::POST {
        return ([(ALLOW, "POST")], RefusedAnswer::from(Code::MethodNotAllowed)).into_response();
    }
    match answer(&server, request).await {
        Ok(answer) => answer,
        Err(refusal) => RefusedAnswer(refusal).into_response(),
    }
}

async fn answer(server: &Server, request: Request) -> Result<Response, Refusal> {
    let base_url = &server.http().base_url;
    same_site::check(request.headers(), base_url)?;
    body::require_json(request.headers())?;
    let network = peer::network(&request, &server.http().trusted_proxies);
    let (mut head, body) = request.into_parts();
    let body = body::read(body, body::limit(head.uri.path()), server.http().body_timeout).await?;

    let presented = session::presented(&head.headers, base_url);
    let recipient = session::token_recipient(&head.headers);
    let exchange = Exchange::new(server.relay().clone(), network, presented.token.clone(), recipient);
    let context = {
        let exchange = exchange.clone();
        move || provide_context(exchange.clone())
    };
    // Server functions answer those who accept HTML, as forms do, with a redirect to wherever Referer says.
    head.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    head.headers.remove(REFERER);
    let request = Request::from_parts(head, Body::from(body));
    let answered = handle_server_fns_with_context(context, request).await.into_response();

    let mut answer = refused_or_answered(answered).await;
    if let Some(change) = exchange.take_change() {
        session::carry(change, &presented, base_url, answer.headers_mut());
    }
    Ok(answer)
}

/// Server functions answer every error with 500 and its text: here it becomes the refusal that it is, with its status.
async fn refused_or_answered(answered: Response) -> Response {
    if !answered.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return answered;
    }
    let refusal = match answered.into_body().collect().await {
        Ok(body) => serde_json::from_slice::<Refused>(&body.to_bytes()).ok(),
        Err(_) => None,
    };
    RefusedAnswer(refusal.map_or_else(|| Code::Internal.into(), |Refused(refusal)| refusal)).into_response()
}

#[cfg(test)]
mod tests {
    use protocol::call::PATHS;

    #[test]
    fn exactly_the_protocols_calls_are_registered() {
        let mut registered: Vec<&str> =
            leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
        registered.sort_unstable();
        let mut promised = PATHS.to_vec();
        promised.sort_unstable();
        assert_eq!(registered, promised);
        insta::assert_snapshot!(registered.join("\n"), @r"
        /fn/account/change-email
        /fn/account/change-password
        /fn/account/change-recovery-key
        /fn/account/confirm-email
        /fn/account/delete
        /fn/account/login-mails
        /fn/account/prelogin
        /fn/account/profile
        /fn/account/recovery-wrap
        /fn/account/register
        /fn/device/append
        /fn/device/logs
        /fn/directory/keys
        /fn/directory/users
        /fn/mailbox/archive
        /fn/mailbox/erase
        /fn/mailbox/history
        /fn/mailbox/page
        /fn/mailbox/send
        /fn/prekeys/claim
        /fn/prekeys/publish
        /fn/prekeys/status
        /fn/reset/check
        /fn/reset/forgot
        /fn/reset/redeem
        /fn/second-factor/begin
        /fn/second-factor/disable
        /fn/second-factor/enable
        /fn/second-factor/renew-codes
        /fn/server/policy
        /fn/session/current
        /fn/session/end
        /fn/session/end-others
        /fn/session/list
        /fn/session/login
        /fn/session/logout
        /fn/session/unlock
        /fn/vault/drop-sealed
        /fn/vault/put
        /fn/vault/rows
        /fn/vault/sealed
        ");
    }
}

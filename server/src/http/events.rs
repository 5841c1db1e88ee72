//! `GET /events`: the stream that says a mailbox has grown, or that the account's sessions have changed. It carries
//! cursors and nothing else; a lost event is harmless.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{Request, State},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt};
use http::{
    HeaderMap, HeaderName, Method,
    header::{ALLOW, CACHE_CONTROL},
};
use protocol::{Cursor, Refusal, mailbox::MAILBOX_EVENT, refusal::Code, session::SESSIONS_EVENT};
use relay::{Caller, Network, Relay, port::Notice};

use super::{Server, peer, refusal::RefusedAnswer, same_site, session};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies of nginx's kind to pass each event on at once.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// A comment so often keeps proxies from closing the stream, and finds out who has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// So often the session is looked at: one that is ended by this process is known at once, one that an operator's command
/// ended is not.
const RECHECK_SESSION: Duration = Duration::from_secs(30);

pub(super) async fn events(State(server): State<Server>, request: Request) -> Response {
    if request.method() != Method::GET {
        return ([(ALLOW, "GET")], RefusedAnswer::from(Code::MethodNotAllowed)).into_response();
    }
    let network = peer::network(&request, &server.http().trusted_proxies);
    match stream(&server, request.headers(), network).await {
        Ok(stream) => {
            let sse = Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
            ([(CACHE_CONTROL, "no-store"), NO_BUFFERING], sse).into_response()
        }
        Err(refusal) => RefusedAnswer(refusal).into_response(),
    }
}

async fn stream(
    server: &Server,
    headers: &HeaderMap,
    network: Network,
) -> Result<impl Stream<Item = Result<Event, Infallible>> + use<>, Refusal> {
    same_site::check(headers, &server.http().base_url)?;
    let seen = last_event_id(headers)?;
    let token = session::presented(headers, &server.http().base_url).token.ok_or(Code::NotSignedIn)?;
    let caller = server.relay().authenticate(&token, network).await?;
    let notices = server.relay().subscribe(&caller).await?;
    let shutdown = server.shutdown();
    let relay = server.relay().clone();
    let over = async move {
        tokio::select! {
            () = shutdown.wished() => {}
            () = session_is_over(&relay, &token, &caller) => {}
        }
    };
    Ok(notices
        .filter_map(move |notice| std::future::ready(event(notice, seen)))
        .map(Ok)
        .take_until(Box::pin(over)))
}

/// A notice as it goes out; nothing of what the client has seen already.
fn event(notice: Notice, seen: Cursor) -> Option<Event> {
    match notice {
        Notice::Grown(end) => (end > seen)
            .then(|| Event::default().event(MAILBOX_EVENT).id(end.to_string()).data(end.to_string())),
        Notice::Sessions => Some(Event::default().event(SESSIONS_EVENT).data("{}")),
    }
}

/// What the client has seen: nothing, when it does not say.
fn last_event_id(headers: &HeaderMap) -> Result<Cursor, Refusal> {
    let Some(id) = headers.get(LAST_EVENT_ID) else {
        return Ok(Cursor::START);
    };
    let id = id.to_str().ok().filter(|id| !id.is_empty());
    let cursor = id.and_then(|id| id.parse().ok()).map(Cursor);
    cursor.ok_or_else(|| {
        Refusal::because(Code::InvalidRequest, "Last-Event-ID must be the id of an event of this stream")
    })
}

/// Looks at the session from time to time, until it is over. An open page counts as seen.
async fn session_is_over(relay: &Relay, token: &str, caller: &Caller) {
    loop {
        tokio::time::sleep(RECHECK_SESSION).await;
        match relay.authenticate(token, caller.network()).await {
            Ok(now) if now.session() == caller.session() => {}
            Err(refusal) if refusal.code != Code::NotSignedIn => {}
            _ => return,
        }
    }
}

//! One feed with one cursor, as long-poll and as an event stream.
//!
//! A place in the feed is a place in the mailbox, the same for ever: whoever reads on from the last cursor misses nothing,
//! whether or not anybody was connected meanwhile.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use client::{Contact, Interruption, Message, Selection};
use futures::{Stream, StreamExt, stream};
use http::{HeaderMap, header::ACCEPT};
use protocol::{Cursor, id::ConversationId};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::{
    Gateway, Input, Params, Problem, Signed,
    account::Done,
    messages::{Opened, Place, limit},
    session::Scope,
};
use crate::device::Machine;

const LAST_EVENT_ID: &str = "last-event-id";
/// So long a long-poll waits when nobody says how long, and at most.
const DEFAULT_WAIT_S: u64 = 25;
const MAX_WAIT_S: u64 = 60;
/// So often it is looked without being told: what the stream failed to say is found then.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// A comment so often keeps proxies from closing the stream, and finds out who has gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Pauses between attempts to reach the server's events, in seconds.
const BACKOFF_S: [u64; 5] = [1, 2, 5, 10, 30];

/// Where to read on.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichEvents {
    /// Read on after this cursor, and say by it that everything up to there has been dealt with. Without it the feed goes on
    /// after what was last acknowledged with this token; from the first message, if nothing was.
    after: Option<Place>,
    /// At most so many messages (1 to 1000) [default: 100].
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// So many seconds to wait when there is nothing (0 to 60) [default: 25].
    #[param(minimum = 0, maximum = 60)]
    wait: Option<u64>,
    /// Whether one's own messages are among them [default: false].
    mine: Option<bool>,
}

/// A piece of the feed.
#[derive(Serialize, ToSchema)]
pub(super) struct Feed {
    /// What is new, the oldest first.
    messages: Vec<Opened>,
    /// For the next call's `after`.
    cursor: String,
    /// How many messages wait until a contact's new key is accepted. Once it is, they stand in `GET /api/messages`, at places
    /// that the feed has passed.
    held: usize,
}

/// How far a program has dealt with the feed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AckForm {
    /// The cursor up to which everything was dealt with.
    cursor: Place,
}

/// What is new.
///
/// Answers at once when there is something, else when something comes or the wait is over. With `Accept:
/// text/event-stream` the answer is a stream of events `message` whose ids are cursors; `Last-Event-ID` reads on.
#[utoipa::path(get, path = "/api/events", tag = "Messages", params(WhichEvents),
    responses((status = 200, content((Feed = "application/json"), (String = "text/event-stream")))))]
pub(super) async fn events(
    State(gateway): State<Gateway>,
    signed: Signed,
    headers: HeaderMap,
    Params(which): Params<WhichEvents>,
) -> Result<Response, Problem> {
    let desk = Arc::clone(signed.may(Scope::Read)?);
    let selection =
        Selection { conversation: None, mine: which.mine.unwrap_or(false), limit: limit(which.limit)? };
    let wait = match which.wait.unwrap_or(DEFAULT_WAIT_S) {
        wait @ 0..=MAX_WAIT_S => Duration::from_secs(wait),
        _ => return Err(Problem::invalid("wait is a number of seconds from 0 to 60")),
    };
    let sessions = gateway.sessions();
    if let Some(Place(after)) = which.after {
        acknowledge_up_to(&gateway, &signed, after).await?;
    }
    let wants_stream = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if wants_stream.is_some_and(|accept| accept.contains("text/event-stream")) {
        let seen = last_event_id(&headers)?.or(which.after.map(|Place(after)| after));
        let after = seen.unwrap_or_else(|| sessions.acknowledged(&signed.token));
        desk.sync().await?;
        let events = stream_of(gateway.clone(), signed, after, selection);
        return Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response());
    }
    let after = which.after.map_or_else(|| sessions.acknowledged(&signed.token), |Place(after)| after);
    let feed = next(&gateway, &signed, after, selection, wait).await?;
    let cursor = feed.end.to_string();
    let me = desk.account.me();
    let messages = feed.messages.into_iter().map(|message| Opened::of(me, message)).collect();
    let held = desk.account.held_messages();
    Ok(Json(Feed { messages, cursor, held }).into_response())
}

/// Says how far a program has dealt with the feed.
///
/// For event streams, which have no next call to say it by. It holds for this token.
#[utoipa::path(post, path = "/api/events/ack", tag = "Messages", request_body = AckForm,
    responses((status = 200, body = Done)))]
pub(super) async fn acknowledge(
    State(gateway): State<Gateway>,
    signed: Signed,
    Input(form): Input<AckForm>,
) -> Result<Json<Done>, Problem> {
    signed.may(Scope::Read)?;
    acknowledge_up_to(&gateway, &signed, form.cursor.0).await?;
    Ok(Json(Done::OK))
}

/// Nobody has dealt with what has not come yet.
async fn acknowledge_up_to(gateway: &Gateway, signed: &Signed, read_to: Cursor) -> Result<(), Problem> {
    if read_to > signed.desk.account.mailbox_end() {
        signed.desk.sync().await?;
    }
    if read_to > signed.desk.account.mailbox_end() {
        return Err(Problem::invalid(
            "The feed does not reach so far: a cursor is what an earlier answer called `cursor`",
        ));
    }
    gateway.sessions().acknowledge(&signed.token, read_to);
    Ok(())
}

struct Piece {
    messages: Vec<(ConversationId, Message)>,
    end: Cursor,
}

/// Waits until there is something after `after`, or the time is over.
async fn next(
    gateway: &Gateway,
    signed: &Signed,
    after: Cursor,
    selection: Selection,
    wait: Duration,
) -> Result<Piece, Problem> {
    let desk = &signed.desk;
    let mut grown = desk.grown.subscribe();
    let until = tokio::time::Instant::now() + wait;
    loop {
        grown.mark_unchanged();
        // The token may be over, while its program waits.
        if !gateway.sessions().leads_on(&signed.token) {
            return Err(Problem::not_signed_in());
        }
        desk.sync().await?;
        let end = desk.account.mailbox_end();
        let messages = desk.account.messages_after(after, selection);
        let is_over = tokio::time::Instant::now() >= until || gateway.is_closing();
        if !messages.is_empty() || is_over {
            // What was left out by the limit comes with the next piece.
            let last = messages.last().and_then(|(_, message)| message.place);
            let is_full = messages.len() == selection.limit;
            let end = last.filter(|_| is_full).unwrap_or(end).max(last.unwrap_or(after)).max(after);
            return Ok(Piece { messages, end });
        }
        desk.follow();
        let look_again = until.min(tokio::time::Instant::now() + LOOK_AGAIN);
        tokio::select! {
            _ = grown.changed() => {}
            () = tokio::time::sleep_until(look_again) => {}
            () = gateway.closing() => {}
        }
    }
}

/// Everything after `after`, as it comes, until the session or the gateway ends.
fn stream_of(
    gateway: Gateway,
    signed: Signed,
    after: Cursor,
    selection: Selection,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let me = signed.desk.account.me().clone();
    let pieces = stream::unfold(Some(after), move |after| {
        let (gateway, signed) = (gateway.clone(), signed.clone());
        async move {
            let after = after?;
            if gateway.is_closing() {
                return None;
            }
            match next(&gateway, &signed, after, selection, LOOK_AGAIN).await {
                Ok(Piece { messages, end }) => Some((messages, Some(end))),
                // The session is over: so is the stream.
                Err(problem) if problem.ends_the_session() => None,
                Err(_) => {
                    tokio::time::sleep(Duration::from_secs(BACKOFF_S[0])).await;
                    Some((Vec::new(), Some(after)))
                }
            }
        }
    });

    pieces.flat_map(move |messages| {
        let events: Vec<_> = messages.into_iter().map(|message| Ok(event(&me, message))).collect();
        stream::iter(events)
    })
}

fn event(me: &Contact, message: (ConversationId, Message)) -> Event {
    let opened = Opened::of(me, message);
    let id = opened.cursor.clone().unwrap_or_default();
    let data = serde_json::to_string(&opened).expect("a message is a plain struct");
    Event::default().event("message").id(id).data(data)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let id = id.to_str().ok().and_then(|id| Place::try_from(id.to_owned()).ok());
    let bad = || Problem::invalid("Last-Event-ID is the id of an event of this stream");
    id.map(|Place(cursor)| Some(cursor)).ok_or_else(bad)
}

/// Follows the server's events until the session ends: whoever waits is woken.
pub(super) async fn follow(machine: Arc<Machine>, grown: watch::Sender<u64>) {
    let mut failures = 0;
    loop {
        let mut stood = false;
        let error = machine
            .listen(|_| {
                stood = true;
                grown.send_modify(|times| *times += 1);
            })
            .await;
        // Whoever waits finds out by themselves what is the matter.
        grown.send_modify(|times| *times += 1);
        match Interruption::from(error) {
            Interruption::SessionEnded => return,
            _ => failures = if stood { 0 } else { failures + 1 },
        }
        let pause = BACKOFF_S[failures.min(BACKOFF_S.len() - 1)];
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

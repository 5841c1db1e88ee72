//! Messages are read.

use axum::Json;
use client::{Body, Contact, DeleteError, Message, Selection, timer_line};
use jiff::Timestamp;
use protocol::{
    Cursor,
    id::{ConversationId, MessageId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Params, Problem, Segment, Signed, session::Scope};

/// So many messages come when nobody says how many.
const DEFAULT_LIMIT: usize = 100;
/// Most messages at once.
const MAX_LIMIT: usize = 1000;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// What a person wrote.
    Text,
    /// Somebody set the conversation's timer; `message` says so in words.
    Timer,
    /// What `readable` says is not.
    Unreadable,
}

/// A message, opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    /// Who wrote it.
    #[schema(example = "bob")]
    pub(super) from: String,
    /// When it was written, as its author says (RFC 3339, UTC).
    #[schema(example = "2026-01-31T12:00:00.000Z")]
    timestamp: String,
    /// What it is.
    kind: Kind,
    /// The text; empty when `readable` is false.
    #[schema(example = "Hi Alice!")]
    message: String,
    /// Whether its author's signature holds. What is not signed by its author is not shown at all, so this is always true.
    signature_valid: bool,
    /// False for a message that a newer version has to show, or that was damaged on the way.
    readable: bool,
    /// Everyone who reads it, but its author.
    to: Vec<String>,
    /// Whether it is one's own.
    mine: bool,
    /// Its id.
    id: String,
    /// The conversation that it is in.
    conversation: String,
    /// When it disappears, in milliseconds since 1970; `null`: it stays.
    #[schema(required, example = json!(null))]
    disappears_at_ms: Option<u64>,
    /// How many devices of others could not take it: only of one's own that disappear, and only until it has come back
    /// through the mailbox. The answer to sending it says the same.
    missed_devices: u32,
    /// Its place in the mailbox: `after` or `before` take it. Opaque.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<String>,
}

impl Opened {
    /// The message as `me` sees it.
    pub(super) fn of(me: &Contact, (conversation, message): (ConversationId, Message)) -> Self {
        let me = (!message.mine).then_some(me);
        let readers = message.readers.iter().chain(me).filter(|reader| **reader != message.author);
        let mut to: Vec<String> = readers.map(|reader| reader.username.to_string()).collect();
        to.sort_unstable();
        let (kind, text) = match message.body {
            Body::Text(text) => (Kind::Text, text),
            Body::Timer(seconds) => (Kind::Timer, timer_line(seconds)),
            Body::NeedsNewerVersion | Body::Unreadable => (Kind::Unreadable, String::new()),
        };
        Self {
            from: message.author.username.to_string(),
            timestamp: timestamp(message.sent_at_ms),
            kind,
            message: text,
            signature_valid: true,
            readable: kind != Kind::Unreadable,
            to,
            mine: message.mine,
            id: message.id.to_string(),
            conversation: conversation.to_string(),
            disappears_at_ms: message.disappears_at_ms,
            missed_devices: message.missed_devices,
            cursor: message.place.map(|place| place.to_string()),
        }
    }
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichMessages {
    /// Only those after this cursor, the oldest first.
    after: Option<Place>,
    /// Only those before this cursor, the newest first.
    before: Option<Place>,
    /// At most so many (1 to 1000) [default: 100].
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only those of this conversation; one's own are among them.
    conversation: Option<String>,
    /// Whether one's own are among them [default: false].
    mine: Option<bool>,
}

/// A cursor in a query.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9]{1,19}$")]
pub(super) struct Place(pub(super) Cursor);

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_number =
            !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
        let place = is_number.then(|| text.parse().ok()).flatten().map(Cursor);
        place.map(Self).ok_or("a cursor is what an earlier answer called `cursor`")
    }
}

/// The inbox, opened.
///
/// What others wrote, the newest first; with `after` the oldest first, so that a program can read on from where it was.
#[utoipa::path(get, path = "/api/messages", tag = "Messages", params(WhichMessages),
    responses((status = 200, body = Vec<Opened>)))]
pub(super) async fn list(
    signed: Signed,
    Params(which): Params<WhichMessages>,
) -> Result<Json<Vec<Opened>>, Problem> {
    let desk = signed.may(Scope::Read)?;
    let conversation = which.conversation.as_deref().map(conversation_id).transpose()?;
    let selection = Selection {
        conversation,
        mine: which.mine.unwrap_or(conversation.is_some()),
        limit: limit(which.limit)?,
    };
    desk.sync().await?;
    let messages = match (which.after, which.before) {
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("Messages are read after one place or before one, not both"));
        }
        (Some(Place(after)), None) => desk.account.messages_after(after, selection),
        (None, before) => desk.account.messages_before(before.map(|Place(before)| before), selection),
    };
    let me = desk.account.me();
    Ok(Json(messages.into_iter().map(|message| Opened::of(me, message)).collect()))
}

/// One message.
///
/// As long as it is there: what was deleted or has disappeared is 404.
#[utoipa::path(get, path = "/api/messages/{id}", tag = "Messages", params(("id" = String, Path, description = "Which")),
    responses((status = 200, body = Opened)))]
pub(super) async fn one(signed: Signed, Segment(id): Segment) -> Result<Json<Opened>, Problem> {
    let desk = signed.may(Scope::Read)?;
    let id = message_id(&id)?;
    desk.sync().await?;
    let found = desk.account.message(id).ok_or(DeleteError::UnknownMessage)?;
    Ok(Json(Opened::of(desk.account.me(), found)))
}

/// What is no id is nobody's.
pub(super) fn message_id(text: &str) -> Result<MessageId, Problem> {
    text.parse().map_err(|_| DeleteError::UnknownMessage.into())
}

pub(super) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid(format!("limit is a number from 1 to {MAX_LIMIT}"))),
    }
}

pub(super) fn conversation_id(text: &str) -> Result<ConversationId, Problem> {
    text.parse().map_err(|_| Problem::invalid("conversation is an id from GET /api/conversations"))
}

pub(super) fn timestamp(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    format!("{:.3}", at.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use protocol::id::AccountId;

    use super::*;

    #[test]
    fn what_a_timer_says_is_a_line_and_disappearing_is_a_time() {
        let author = Contact { account: AccountId::from_bytes([1; 16]), username: "bob".parse().unwrap() };
        let of = |body| {
            let message = Message {
                id: MessageId::from_bytes([2; 16]),
                author: author.clone(),
                mine: false,
                body,
                sent_at_ms: 0,
                place: None,
                state: client::MessageState::Received,
                unread: true,
                readers: Vec::new(),
                disappears_at_ms: Some(7),
                missed_devices: 0,
            };
            let opened = Opened::of(&author, (ConversationId::of_set([author.account]), message));
            serde_json::to_value(opened).unwrap()
        };
        let timer = of(Body::Timer(Some(300)));
        assert_eq!((&timer["kind"], &timer["disappears_at_ms"]), (&"timer".into(), &7.into()));
        assert_eq!(timer["message"], "Messages disappear after 5 minutes from here on");
        assert_eq!((&of(Body::Text("x".into()))["kind"], &timer["readable"]), (&"text".into(), &true.into()));
        let unreadable = of(Body::Unreadable);
        assert_eq!((&unreadable["kind"], &unreadable["readable"]), (&"unreadable".into(), &false.into()));
    }

    #[test]
    fn times_are_rfc_3339_and_cursors_are_numbers() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(1_769_860_800_123), "2026-01-31T12:00:00.123Z");
        assert!(timestamp(u64::MAX).starts_with("9999"));
        let place = |text: &str| Place::try_from(text.to_owned()).map(|Place(cursor)| cursor);
        assert_eq!(place("17"), Ok(Cursor(17)));
        for bad in ["", "-1", "+1", "x", "99999999999999999999", "1.0"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }
}

//! Messages are read and sent.

use std::sync::Arc;

use axum::Json;
use client::{Body, Contact, Message, MessageState, Selection, Thread};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use protocol::{
    Cursor,
    id::{ConversationId, MessageId},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Input, Params, Problem, Signed,
    account::username,
    input::text,
    session::{Desk, Scope},
};

/// In which a program names its message, so that sending it again is sending it once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest such name, in bytes.
const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;
/// So many messages come when nobody says how many.
const DEFAULT_LIMIT: usize = 100;
/// Most messages at once.
const MAX_LIMIT: usize = 1000;

/// A message, opened.
#[derive(Serialize, ToSchema)]
pub(super) struct Opened {
    /// Who wrote it.
    #[schema(example = "bob")]
    pub(super) from: String,
    /// When it was written, as its author says (RFC 3339, UTC).
    #[schema(example = "2026-01-31T12:00:00.000Z")]
    timestamp: String,
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
        let (text, readable) = match message.body {
            Body::Text(text) => (text, true),
            Body::NeedsNewerVersion | Body::Unreadable => (String::new(), false),
        };
        Self {
            from: message.author.username.to_string(),
            timestamp: timestamp(message.sent_at_ms),
            message: text,
            signature_valid: true,
            readable,
            to,
            mine: message.mine,
            id: message.id.to_string(),
            conversation: conversation.to_string(),
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

/// A message to somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageForm {
    /// The name of who is to read it.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "bob")]
    recipient: String,
    /// The text, at most 10 000 bytes.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "Hello Bob! This is a secret message.", min_length = 1, max_length = 10_000)]
    message: String,
}

/// It is on the server's disk, sealed.
#[derive(Serialize, ToSchema)]
pub(super) struct Sent {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The message's id.
    id: String,
    /// The conversation that it is in.
    conversation: String,
}

/// Sends a message.
///
/// The answer means that it is on the server's disk. With the header `Idempotency-Key` the same call again, also after a
/// lost answer or a restart, sends nothing twice.
#[utoipa::path(post, path = "/api/messages", tag = "Messages", request_body = MessageForm,
    params(("Idempotency-Key" = Option<String>, Header, description = "The program's own name for this message")),
    responses((status = 200, body = Sent)))]
pub(super) async fn send(
    signed: Signed,
    headers: HeaderMap,
    Input(form): Input<MessageForm>,
) -> Result<Json<Sent>, Problem> {
    let desk = Arc::clone(signed.may(Scope::Send)?);
    let key = idempotency_key(&headers)?;
    let place = desk.place_to_send()?;
    // Who goes away while it is on its way does not stop it half-way.
    let sent = tokio::spawn(async move {
        let _place = place;
        let name = username(&form.recipient).map_err(|_| Problem::recipient_not_found())?;
        let found = desk.account.find_user(&name).await.map_err(|error| desk.trouble(error))?;
        let recipient = found.ok_or_else(Problem::recipient_not_found)?;
        deliver(&desk, &[recipient], &form.message, key.as_deref()).await
    });
    let (conversation, message) = sent.await.map_err(|_| Problem::from(protocol::Code::Internal))??;
    Ok(Json(Sent { status: "ok", id: message.to_string(), conversation: conversation.to_string() }))
}

/// A message to several.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupMessageForm {
    /// The names of who is to read it, at most 99.
    #[schema(example = json!(["bob", "carol"]), min_items = 1, max_items = 99)]
    recipients: Vec<String>,
    /// The text, at most 10 000 bytes.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "Lunch at noon?", min_length = 1, max_length = 10_000)]
    message: String,
}

/// To whom it went.
#[derive(Serialize, ToSchema)]
pub(super) struct GroupSent {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// How many will read it.
    sent: usize,
    /// The names that nobody has.
    failed: Vec<String>,
    /// The message's id.
    id: String,
    /// The conversation of those who read it.
    conversation: String,
}

/// Sends one message to several.
///
/// One message in one conversation: everyone sees who else reads. Names that nobody has are in `failed`; the others get it. When
/// a key has changed, nobody does: the answer is 409 until the new key is accepted.
#[utoipa::path(post, path = "/api/group-messages", tag = "Messages", request_body = GroupMessageForm,
    params(("Idempotency-Key" = Option<String>, Header, description = "The program's own name for this message")),
    responses((status = 200, body = GroupSent)))]
pub(super) async fn send_to_group(
    signed: Signed,
    headers: HeaderMap,
    Input(form): Input<GroupMessageForm>,
) -> Result<Json<GroupSent>, Problem> {
    let desk = Arc::clone(signed.may(Scope::Send)?);
    let key = idempotency_key(&headers)?;
    if form.recipients.is_empty() {
        return Err(Problem::invalid("Choose at least one person to write to"));
    }
    if form.recipients.len() >= protocol::limits::MAX_RECIPIENTS {
        return Err(Problem::invalid("A message goes to at most 99 others: choose fewer"));
    }
    let place = desk.place_to_send()?;
    let sent = tokio::spawn(async move {
        let _place = place;
        to_group(&desk, form, key).await
    });
    Ok(Json(sent.await.map_err(|_| Problem::from(protocol::Code::Internal))??))
}

async fn to_group(desk: &Desk, form: GroupMessageForm, key: Option<String>) -> Result<GroupSent, Problem> {
    let mut found: Vec<Contact> = Vec::new();
    let mut failed = Vec::new();
    for name in form.recipients {
        let somebody = match username(&name) {
            Ok(name) => desk.account.find_user(&name).await.map_err(|error| desk.trouble(error))?,
            Err(_) => None,
        };
        match somebody {
            Some(contact) if found.contains(&contact) => {}
            Some(contact) => found.push(contact),
            None => failed.push(name),
        }
    }
    if found.is_empty() {
        return Err(Problem::recipient_not_found());
    }
    let (conversation, message) = deliver(desk, &found, &form.message, key.as_deref()).await?;
    let sent = found.iter().filter(|contact| *contact != desk.account.me()).count();
    Ok(GroupSent {
        status: "ok",
        sent,
        failed,
        id: message.to_string(),
        conversation: conversation.to_string(),
    })
}

async fn opened(desk: &Desk, people: &[Contact]) -> Result<Thread, Problem> {
    let accounts: Vec<_> = people.iter().map(|contact| contact.account).collect();
    let id = desk.account.open_conversation(&accounts).await.map_err(|error| desk.trouble(error))?;
    desk.account.thread(id).ok_or_else(Problem::recipient_not_found)
}

/// Sends, and waits for the server's word. What was not sent is not sent later either: whoever asked decides.
async fn deliver(
    desk: &Desk,
    people: &[Contact],
    text: &str,
    key: Option<&str>,
) -> Result<(ConversationId, MessageId), Problem> {
    let account = &desk.account;
    let conversation = opened(desk, people).await?.id;
    let message = match key {
        None => account.compose(conversation, text).await?,
        Some(key) => {
            // Another device, or this one before it was restarted, may have sent it.
            desk.sync().await?;
            account.compose_once(conversation, text, key).await?
        }
    };
    let flushed = account.flush().await;
    let Some((_, shown)) = account.message(message) else {
        return Err(Problem::from(protocol::Code::Internal));
    };
    if shown.state == MessageState::Sent {
        let is_same = matches!(&shown.body, Body::Text(sent) if sent == text.trim());
        return if is_same {
            Ok((conversation, message))
        } else {
            Err(client::ComposeError::NameUsed.into())
        };
    }
    if !account.withdraw(message).await? {
        // Another call's flush sent it meanwhile.
        return Ok((conversation, message));
    }
    if let Err(interruption) = flushed {
        return Err(desk.trouble(interruption));
    }
    let thread = account.thread(conversation);
    if thread.as_ref().is_some_and(|thread| !thread.deleted.is_empty()) {
        return Err(Problem::recipient_not_found());
    }
    let changed = thread.is_some_and(|thread| !thread.changed_keys.is_empty());
    Err(match shown.state {
        MessageState::Failed(why) if changed => Problem::key_changed(why),
        MessageState::Failed(why) => Problem::new(StatusCode::CONFLICT, "not_sent", why),
        MessageState::Received | MessageState::Queued | MessageState::Sending | MessageState::Sent => {
            Problem::busy("The message was not sent: try again")
        }
    })
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

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| (1..=MAX_IDEMPOTENCY_KEY_BYTES).contains(&key.len()));
    let key =
        key.ok_or_else(|| Problem::invalid("Idempotency-Key is a name of 1 to 255 visible characters"))?;
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_program_names_its_message_in_visible_characters() {
        let read = |value: &[u8]| {
            let value = http::HeaderValue::from_bytes(value).unwrap();
            idempotency_key(&HeaderMap::from_iter([(http::HeaderName::from_static(IDEMPOTENCY_KEY), value)]))
        };
        assert_eq!(idempotency_key(&HeaderMap::new()), Ok(None));
        assert_eq!(read(b"order 17"), Ok(Some("order 17".to_owned())));
        for bad in [b"".as_slice(), &[b'x'; 256], b"\xff"] {
            assert!(read(bad).is_err());
        }
    }
}

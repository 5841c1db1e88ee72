//! Messages are sent.

use std::sync::Arc;

use axum::Json;
use client::{Body, Contact, Message, MessageState};
use http::HeaderMap;
use protocol::id::{ConversationId, MessageId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Input, Problem, Signed, account::username, desk::Desk, input::text, session::Scope};

/// In which a program names its message, so that sending it again is sending it once.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest such name, in bytes.
const MAX_IDEMPOTENCY_KEY_BYTES: usize = 255;

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
    /// When it disappears, in milliseconds since 1970; `null`: it stays.
    #[schema(required, example = json!(null))]
    disappears_at_ms: Option<u64>,
    /// How many devices of the others could not take it: only where it disappears.
    missed_devices: u32,
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
    let sent = sent.await.map_err(|_| Problem::from(protocol::Code::Internal))??;
    Ok(Json(Sent {
        status: "ok",
        id: sent.message.to_string(),
        conversation: sent.conversation.to_string(),
        disappears_at_ms: sent.disappears_at_ms(),
        missed_devices: sent.missed_devices(),
    }))
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
    /// When it disappears, in milliseconds since 1970; `null`: it stays.
    #[schema(required, example = json!(null))]
    disappears_at_ms: Option<u64>,
    /// How many devices of the others could not take it: only where it disappears.
    missed_devices: u32,
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
    let delivered = deliver(desk, &found, &form.message, key.as_deref()).await?;
    let sent = found.iter().filter(|contact| *contact != desk.account.me()).count();
    Ok(GroupSent {
        status: "ok",
        sent,
        failed,
        id: delivered.message.to_string(),
        conversation: delivered.conversation.to_string(),
        disappears_at_ms: delivered.disappears_at_ms(),
        missed_devices: delivered.missed_devices(),
    })
}

/// What was sent, and where.
struct Delivered {
    conversation: ConversationId,
    message: MessageId,
    /// As it is shown now; `None`: it is not any more.
    shown: Option<Message>,
}

impl Delivered {
    fn disappears_at_ms(&self) -> Option<u64> {
        self.shown.as_ref().and_then(|shown| shown.disappears_at_ms)
    }

    fn missed_devices(&self) -> u32 {
        self.shown.as_ref().map_or(0, |shown| shown.missed_devices)
    }
}

async fn deliver(
    desk: &Desk,
    people: &[Contact],
    text: &str,
    key: Option<&str>,
) -> Result<Delivered, Problem> {
    let account = &desk.account;
    let accounts: Vec<_> = people.iter().map(|contact| contact.account).collect();
    let conversation = account.open_conversation(&accounts).await.map_err(|error| desk.trouble(error))?;
    // Somebody may have set the timer meanwhile; another device, or this one before it was restarted, may have sent it.
    let read = desk.sync().await;
    let message = match key {
        None => account.compose(conversation, text).await?,
        Some(key) => {
            read?;
            account.compose_once(conversation, text, key).await?
        }
    };
    let shown = sent(desk, conversation, message).await?;
    let is_same = |shown: &Message| matches!(&shown.body, Body::Text(sent) if sent == text.trim());
    if shown.as_ref().is_some_and(|shown| !is_same(shown)) {
        return Err(client::ComposeError::NameUsed.into());
    }
    Ok(Delivered { conversation, message, shown })
}

/// Sends what waits, and waits for the server's word about this message. What was not sent is not sent later either: whoever
/// asked decides. `None`: it was sent, and is not here any more; its time was over, or it was deleted.
pub(super) async fn sent(
    desk: &Desk,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Option<Message>, Problem> {
    let account = &desk.account;
    let look = || account.message(message).map(|(_, shown)| shown);
    let flushed = account.flush().await;
    let Some(shown) = look() else {
        return flushed.map(|()| None).map_err(|interruption| desk.trouble(interruption));
    };
    if shown.state == MessageState::Sent {
        return Ok(Some(shown));
    }
    if !account.withdraw(message).await? {
        // Another call's flush sent it meanwhile.
        return Ok(look());
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
        MessageState::Failed(why) => Problem::not_sent(why),
        MessageState::Received | MessageState::Queued | MessageState::Sending | MessageState::Sent => {
            Problem::busy("The message was not sent: try again")
        }
    })
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

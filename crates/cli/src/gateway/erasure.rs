//! Messages are deleted, and timers set by which they disappear.

use std::sync::Arc;

use axum::Json;
use client::{Body, DeleteError, KeyChange, MessageState, TimerError};
use protocol::{
    id::{ConversationId, MessageId},
    limits::{MAX_TIMER_S, MIN_TIMER_S},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{
    Input, Params, Problem, Segment, Signed, account::Done, desk::Desk, messages::message_id, send,
    session::Scope,
};

/// For whom a message is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum For {
    /// On all of one's own devices, and in one's own mailbox; others keep theirs.
    #[default]
    Me,
    /// For everyone in its conversation: only one's own. Who has read it has read it.
    Everyone,
}

/// For whom.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ForWhom {
    /// `me`, on all of one's own devices, or `everyone`, which takes back what oneself has written [default: me].
    #[serde(default, rename = "for")]
    #[param(inline)]
    whom: For,
}

/// Deletes a message.
///
/// For oneself, whoever wrote it; with `?for=everyone` one's own is taken back from everyone. The answer means that it is gone
/// on the server. What is gone already is 404, so the same call again does no harm.
#[utoipa::path(delete, path = "/api/messages/{id}", tag = "Messages",
    params(("id" = String, Path, description = "Which"), ForWhom), responses((status = 200, body = Done)))]
pub(super) async fn delete(
    signed: Signed,
    Segment(id): Segment,
    Params(ForWhom { whom }): Params<ForWhom>,
) -> Result<Json<Done>, Problem> {
    let desk = Arc::clone(signed.may(Scope::Send)?);
    let id = message_id(&id)?;
    let place = desk.place_to_send()?;
    // Who goes away in the middle does not stop it half-way.
    let deleted = tokio::spawn(async move {
        let _place = place;
        deleted(&desk, id, whom).await
    });
    deleted.await.map_err(|_| Problem::from(protocol::Code::Internal))??;
    Ok(Json(Done::OK))
}

async fn deleted(desk: &Desk, id: MessageId, whom: For) -> Result<(), Problem> {
    let account = &desk.account;
    desk.sync().await?;
    let Some((conversation, shown)) = account.message(id) else {
        // It may have been deleted a moment ago, by a call that could not tell the server.
        told(desk).await?;
        return Err(DeleteError::UnknownMessage.into());
    };
    let waits = shown.place.is_none() && shown.state != MessageState::Sent;
    if waits && account.withdraw(id).await? {
        return Ok(());
    }
    match whom {
        For::Me => account.delete_for_me(&[id]).await?,
        For::Everyone => {
            if shown.mine {
                reaches_everyone(desk, conversation).await?;
            }
            account.delete_for_everyone(id).await?;
        }
    }
    told(desk).await
}

/// Refuses what would be deleted here and nowhere else.
async fn reaches_everyone(desk: &Desk, conversation: ConversationId) -> Result<(), Problem> {
    desk.account.look_at_keys(conversation).await.map_err(|error| desk.trouble(error))?;
    let Some(thread) = desk.account.thread(conversation) else { return Ok(()) };
    let names = |people: &[client::Contact]| {
        people.iter().map(|one| one.username.as_str()).collect::<Vec<_>>().join(", ")
    };
    if !thread.changed_keys.is_empty() {
        let change = desk.account.key_change(thread.changed_keys[0].account).unwrap_or(KeyChange::Key);
        return Err(Problem::key_changed(format!(
            "Not deleted: {}. Compare the safety number, then accept {}",
            change.told(&names(&thread.changed_keys)),
            change.what()
        )));
    }
    if !thread.deleted.is_empty() {
        let names = names(&thread.deleted);
        return Err(Problem::not_sent(format!(
            "Not deleted: {names} deleted their account, and nobody can be told any more. Delete it for yourself"
        )));
    }
    Ok(())
}

/// Tells the others and the server what was deleted here.
async fn told(desk: &Desk) -> Result<(), Problem> {
    desk.account.flush().await.map_err(|error| desk.trouble(error))?;
    // What comes back is erased on the server by whoever reads it.
    desk.sync().await
}

/// After how long messages disappear.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimerForm {
    /// After how many seconds what is written from now on disappears, 5 to 31 536 000 (a year); `null`: it stays.
    #[serde(deserialize_with = "seconds")]
    #[schema(required, example = 300, minimum = 5, maximum = 31_536_000)]
    seconds: Option<u32>,
}

/// The timer is set.
#[derive(Serialize, ToSchema)]
pub(super) struct TimerSet {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// After how many seconds what is written from now on disappears; `null`: it stays.
    #[schema(required, example = 300)]
    timer_s: Option<u32>,
}

/// Sets a conversation's timer.
///
/// Everyone in it sees that, and what anybody writes from then on disappears so many seconds after it was sent. What was
/// written before stays.
#[utoipa::path(put, path = "/api/conversations/{id}/timer", tag = "Messages", request_body = TimerForm,
    params(("id" = String, Path, description = "Which")), responses((status = 200, body = TimerSet)))]
pub(super) async fn set_timer(
    signed: Signed,
    Segment(id): Segment,
    Input(form): Input<TimerForm>,
) -> Result<Json<TimerSet>, Problem> {
    let desk = Arc::clone(signed.may(Scope::Send)?);
    let id: ConversationId = id.parse().map_err(|_| Problem::conversation_not_found())?;
    let place = desk.place_to_send()?;
    let set = tokio::spawn(async move {
        let _place = place;
        timer_set(&desk, id, form.seconds).await
    });
    set.await.map_err(|_| Problem::from(protocol::Code::Internal))??;
    Ok(Json(TimerSet { status: "ok", timer_s: form.seconds }))
}

async fn timer_set(desk: &Desk, id: ConversationId, timer_s: Option<u32>) -> Result<(), Problem> {
    let account = &desk.account;
    desk.sync().await?;
    // The one with oneself is for what devices tell each other.
    if !account.conversations().iter().any(|conversation| conversation.id == id) {
        return Err(TimerError::UnknownConversation.into());
    }
    account.set_timer(id, timer_s).await?;
    let waits = account.thread(id).and_then(|thread| {
        let is_it =
            |message: &&client::Message| message.place.is_none() && message.body == Body::Timer(timer_s);
        thread.messages.iter().rev().find(is_it).map(|message| message.id)
    });
    // It was so already.
    let Some(message) = waits else { return Ok(()) };
    send::sent(desk, id, message).await.map(drop)
}

/// What is no number of seconds is refused in words that say what is.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_u64().and_then(|seconds| u32::try_from(seconds).ok()),
        _ => None,
    };
    let number = number.filter(|seconds| (MIN_TIMER_S..=MAX_TIMER_S).contains(seconds));
    let wrong = || {
        D::Error::custom(format!("seconds is a whole number from {MIN_TIMER_S} to {MAX_TIMER_S}, or null"))
    };
    number.map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_a_whole_number_within_a_year_or_null_and_never_missing() {
        let read = |json: &str| serde_json::from_str::<TimerForm>(json).map(|form| form.seconds);
        assert_eq!(read(r#"{"seconds":5}"#).unwrap(), Some(5));
        assert_eq!(read(r#"{"seconds":31536000}"#).unwrap(), Some(31_536_000));
        assert_eq!(read(r#"{"seconds":null}"#).unwrap(), None);
        for bad in ["0", "4", "-5", "5.5", "5.0", "31536001", "31536000000", "\"5\"", "true", "[]", "1e400"] {
            let said = read(&format!("{{\"seconds\":{bad}}}")).unwrap_err().to_string();
            assert!(
                said.starts_with("seconds is a whole number from 5 to") || bad == "1e400",
                "{bad}: {said}"
            );
        }
        for bad in ["{}", r#"{"seconds":5,"minutes":1}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

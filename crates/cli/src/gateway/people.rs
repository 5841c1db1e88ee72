//! Who is there, the conversations with them, and their keys.

use axum::Json;
use client::{Contact, ConversationSummary};
use crypto::safety_number::SafetyNumber;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Input, Params, Problem, Segment, Signed,
    account::{Done, username},
    desk::Desk,
    messages::timestamp,
    session::Scope,
};

/// Most names in one answer: the directory is read page by page until then.
const MAX_USERS: usize = 10_000;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WhichUsers {
    /// Only names that begin so.
    prefix: Option<String>,
    /// Only names after this one.
    after: Option<String>,
}

/// The registered users.
///
/// Their names in alphabetical order, at most 10 000; `after` reads on.
#[utoipa::path(get, path = "/api/users", tag = "People", params(WhichUsers),
    responses((status = 200, body = Vec<String>, example = json!(["alice", "bob"]))))]
pub(super) async fn users(
    signed: Signed,
    Params(which): Params<WhichUsers>,
) -> Result<Json<Vec<String>>, Problem> {
    let desk = signed.may(Scope::Read)?;
    let mut after = which.after.as_deref().map(username).transpose()?;
    if which.prefix.as_ref().is_some_and(|prefix| prefix.contains('\0')) {
        return Err(Problem::invalid("a text holds the character U+0000"));
    }
    let mut names = Vec::new();
    loop {
        let page = desk.account.users(which.prefix.as_deref(), after.as_ref()).await;
        let page = page.map_err(|error| desk.trouble(error))?;
        after = page.users.last().map(|user| user.username.clone());
        names.extend(page.users.into_iter().map(|user| user.username.to_string()));
        if !page.more || after.is_none() || names.len() >= MAX_USERS {
            names.truncate(MAX_USERS);
            return Ok(Json(names));
        }
    }
}

/// A conversation.
#[derive(Serialize, ToSchema)]
pub(super) struct Conversation {
    /// Its id, for `GET /api/messages?conversation=…`.
    id: String,
    /// Everyone else in it.
    with: Vec<String>,
    /// When something was last said in it (RFC 3339, UTC).
    last_at: String,
    /// Who said it; nobody has yet, when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_from: Option<String>,
    /// Those whose key has changed: nothing is sent, and nothing of theirs is shown, until the new key is accepted.
    changed_keys: Vec<String>,
    /// After how many seconds what is written from now on disappears; `null`: it stays.
    #[schema(required, example = 300)]
    timer_s: Option<u32>,
}

/// The conversations.
///
/// The one with the newest message first.
#[utoipa::path(get, path = "/api/conversations", tag = "Messages",
    responses((status = 200, body = Vec<Conversation>)))]
pub(super) async fn conversations(signed: Signed) -> Result<Json<Vec<Conversation>>, Problem> {
    let desk = signed.may(Scope::Read)?;
    desk.sync().await?;
    let timer_s = |id| desk.account.thread(id).and_then(|thread| thread.timer_s);
    let summaries = desk.account.conversations().into_iter();
    Ok(Json(summaries.map(|summary| shown(timer_s(summary.id), summary)).collect()))
}

fn shown(timer_s: Option<u32>, summary: ConversationSummary) -> Conversation {
    let names = |people: Vec<Contact>| people.into_iter().map(|one| one.username.to_string()).collect();
    Conversation {
        id: summary.id.to_string(),
        with: names(summary.others),
        last_at: timestamp(summary.last_at_ms),
        last_from: summary.last.map(|last| last.author.username.to_string()),
        changed_keys: names(summary.trouble),
        timer_s,
    }
}

/// Sixty digits to compare with a contact over another way.
#[derive(Serialize, ToSchema)]
pub(super) struct Safety {
    /// With whom.
    username: String,
    /// Twelve groups of five digits; both sides see the same.
    #[schema(example = "12345 67890 …")]
    safety_number: String,
    /// Whether their key has changed: then the number is the new key's, and it waits to be accepted. Or whether the server
    /// shows another list of their devices than before: then the number is as it was, and the list waits.
    key_changed: bool,
}

/// The safety number with somebody.
#[utoipa::path(get, path = "/api/contacts/{username}/safety-number", tag = "People",
    params(("username" = String, Path, description = "With whom")), responses((status = 200, body = Safety)))]
pub(super) async fn safety_number(signed: Signed, Segment(name): Segment) -> Result<Json<Safety>, Problem> {
    let desk = signed.may(Scope::Read)?;
    let (contact, number, key_changed) = looked_at(desk, &name).await?;
    Ok(Json(Safety {
        username: contact.username.to_string(),
        safety_number: number.to_string(),
        key_changed,
    }))
}

/// The number that was compared.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptForm {
    /// The number that the contact's owner was shown, with or without spaces.
    #[schema(example = "12345 67890 …")]
    safety_number: String,
}

/// Accepts the changed key of a contact.
///
/// The key whose safety number was compared, and no other that was put in its place meanwhile.
#[utoipa::path(post, path = "/api/contacts/{username}/accept-key", tag = "People", request_body = AcceptForm,
    params(("username" = String, Path, description = "Whose key")), responses((status = 200, body = Done)))]
pub(super) async fn accept_key(
    signed: Signed,
    Segment(name): Segment,
    Input(form): Input<AcceptForm>,
) -> Result<Json<Done>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let (contact, number, key_changed) = looked_at(desk, &name).await?;
    if !key_changed {
        return Err(client::AcceptKeyError::NothingOffered.into());
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits(&form.safety_number) != digits(&number.to_string()) {
        return Err(Problem::key_changed(
            "This is not the safety number with this contact: compare it once more",
        ));
    }
    desk.account.accept_key(contact.account, number).await.map_err(|error| desk.trouble(error))?;
    Ok(Json(Done::OK))
}

async fn looked_at(desk: &Desk, name: &str) -> Result<(Contact, SafetyNumber, bool), Problem> {
    let name = username(name).map_err(|_| nobody())?;
    let found = desk.account.find_user(&name).await.map_err(|error| desk.trouble(error))?;
    let contact = found.ok_or_else(nobody)?;
    let conversation = desk.account.open_conversation(&[contact.account]).await;
    let conversation = conversation.map_err(|error| desk.trouble(error))?;
    desk.account.look_at_keys(conversation).await.map_err(|error| desk.trouble(error))?;
    let number = desk.account.safety_number(contact.account).ok_or_else(nobody)?;
    let thread = desk.account.thread(conversation);
    let changed = thread.is_some_and(|thread| thread.changed_keys.contains(&contact));
    Ok((contact, number, changed))
}

fn nobody() -> Problem {
    Problem::not_found("Nobody has this name")
}

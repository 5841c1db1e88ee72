//! Personal tokens: what a program gets instead of the login itself.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Gateway, Input, Problem, Segment, Signed,
    account::Done,
    input::text,
    messages::timestamp,
    session::{MAX_TOKENS, Scope, Token},
};
use crate::system;

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 64;
/// A token lasts at most a year, in days.
const MAX_DAYS: u32 = 366;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A token for a program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenForm {
    /// What it is for.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "backup script", min_length = 1, max_length = 64)]
    name: String,
    /// What it may do: `read`, `send`.
    #[schema(example = json!(["read"]))]
    scopes: Vec<Scope>,
    /// After how many days it is over, at most 366; without it, it lasts as long as the login.
    #[serde(default)]
    #[schema(example = 30, minimum = 1, maximum = 366)]
    expires_in_days: Option<u32>,
}

/// A token, as it is listed.
#[derive(Serialize, ToSchema)]
pub(super) struct PersonalToken {
    /// For taking it away.
    id: u64,
    /// What it is for.
    name: String,
    /// What it may do.
    scopes: Vec<Scope>,
    /// When it was made (RFC 3339, UTC).
    created_at: String,
    /// When it is over; with the login, when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// When it was last used; never, when it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub(super) struct NewToken {
    /// For `Authorization: Bearer`. It is shown this once.
    token: String,
    /// What is kept of it.
    #[serde(flatten)]
    kept: PersonalToken,
}

/// Makes a personal token.
///
/// It reaches the account that is open behind this login, and is over with it: at the logout, after a day without any use,
/// and with the gateway's process.
#[utoipa::path(post, path = "/api/tokens", tag = "Tokens", request_body = TokenForm,
    responses((status = 200, body = NewToken)))]
pub(super) async fn create(
    State(gateway): State<Gateway>,
    signed: Signed,
    Input(form): Input<TokenForm>,
) -> Result<Json<NewToken>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let name = form.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Problem::invalid("A token's name has 1 to 64 characters"));
    }
    let mut scopes = form.scopes;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() || scopes.contains(&Scope::Account) {
        return Err(Problem::invalid("A token's scopes are \"read\", \"send\", or both"));
    }
    let expires_at_ms = match form.expires_in_days {
        None => None,
        Some(days @ 1..=MAX_DAYS) => Some(system::now_ms() + u64::from(days) * DAY_MS),
        Some(_) => return Err(Problem::invalid("expires_in_days is a number from 1 to 366")),
    };
    let issued = gateway.sessions().issue(desk, name.to_owned(), scopes, expires_at_ms);
    let (token, kept) = issued.ok_or_else(|| {
        let detail = format!("A login has at most {MAX_TOKENS} tokens: take one away first");
        Problem::new(http::StatusCode::CONFLICT, "too_many_tokens", detail)
    })?;
    Ok(Json(NewToken { token: token.to_string(), kept: shown(&kept) }))
}

/// The personal tokens of this login.
#[utoipa::path(get, path = "/api/tokens", tag = "Tokens", responses((status = 200, body = Vec<PersonalToken>)))]
pub(super) async fn list(
    State(gateway): State<Gateway>,
    signed: Signed,
) -> Result<Json<Vec<PersonalToken>>, Problem> {
    let desk = signed.may(Scope::Account)?;
    Ok(Json(gateway.sessions().tokens_of(desk).iter().map(shown).collect()))
}

/// Takes a personal token away.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "Tokens", params(("id" = u64, Path, description = "Which")),
    responses((status = 200, body = Done)))]
pub(super) async fn revoke(
    State(gateway): State<Gateway>,
    signed: Signed,
    Segment(id): Segment,
) -> Result<Json<Done>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let revoked = id.parse().is_ok_and(|id| gateway.sessions().revoke(desk, id));
    let missing = || Problem::not_found("There is no token of this id");
    revoked.then_some(Json(Done::OK)).ok_or_else(missing)
}

fn shown(token: &Token) -> PersonalToken {
    PersonalToken {
        id: token.id,
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        created_at: timestamp(token.created_at_ms),
        expires_at: token.expires_at_ms.map(timestamp),
        last_used_at: token.last_used_at_ms.map(timestamp),
    }
}

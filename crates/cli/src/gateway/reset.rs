//! A new password by a token from a mail.

use axum::{Extension, Json, extract::State};
use client::{KeysAfterReset, RecoveryKeyRefused, Reset};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ClientAddress, Gateway, Input, Problem,
    account::{address_of, code},
    input::text,
};

/// Who forgot a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ForgotForm {
    /// The address of the account.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "alice@example.org")]
    email: String,
}

/// Whether anybody has this address is not said.
#[derive(Serialize, ToSchema)]
pub(super) struct MailRequested {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// What happens next.
    message: &'static str,
}

/// Asks for a mail with a reset token.
///
/// The answer is the same whether or not anybody has the address. The token is good for an hour, once.
#[utoipa::path(post, path = "/api/forgot-password", tag = "Password reset", request_body = ForgotForm,
    responses((status = 200, body = MailRequested)))]
pub(super) async fn forgot(
    State(gateway): State<Gateway>,
    address: Option<Extension<ClientAddress>>,
    Input(form): Input<ForgotForm>,
) -> Result<Json<MailRequested>, Problem> {
    let email = address_of(&form.email)?;
    client::forgot_password(&*gateway.machine(address), email).await?;
    let message = "If an account has this address, a mail with a token is on its way";
    Ok(Json(MailRequested { status: "ok", message }))
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetForm {
    /// The token of the mail.
    #[serde(deserialize_with = "text::string")]
    token: String,
    /// At least 8 characters with a letter, a number and a special character.
    #[schema(example = "NewPass456!")]
    new_password: String,
    /// Keeps everything that was written. Without it the account begins anew with other keys, and older messages stay sealed
    /// until the old password or the recovery key opens them.
    #[serde(default)]
    recovery_key: Option<String>,
    /// A code, where the second factor is on.
    #[serde(default, alias = "totp_token")]
    #[schema(example = "123456")]
    totp: Option<String>,
}

/// The password is another one.
#[derive(Serialize, ToSchema)]
pub(super) struct PasswordReset {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Whose password it is.
    username: String,
    /// Whether the keys stayed, and with them everything that was written.
    history_kept: bool,
    /// When the keys are new: the new recovery key, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_key: Option<String>,
}

/// Sets a new password.
///
/// The token is used up, and every session of the account ends.
#[utoipa::path(post, path = "/api/reset-password", tag = "Password reset", request_body = ResetForm,
    responses((status = 200, body = PasswordReset)))]
pub(super) async fn reset(
    State(gateway): State<Gateway>,
    address: Option<Extension<ClientAddress>>,
    Input(form): Input<ResetForm>,
) -> Result<Json<PasswordReset>, Problem> {
    let token = form.token.parse().map_err(|_| Problem::from(protocol::Code::InvalidToken))?;
    let code = form.totp.as_deref().map(code).transpose()?;
    let _place = gateway.place_to_stretch()?;
    let reset = Reset::check(gateway.machine(address), token).await?;
    let keys = match form.recovery_key.as_deref() {
        Some(typed) => KeysAfterReset::Keep(reset.open_with_recovery_key(typed).map_err(refused)?),
        None => KeysAfterReset::Lose,
    };
    let history_kept = matches!(keys, KeysAfterReset::Keep(_));
    let redeemed = reset.redeem(&form.new_password, code, keys).await?;
    Ok(Json(PasswordReset {
        status: "ok",
        username: redeemed.username.to_string(),
        history_kept,
        recovery_key: redeemed.fresh.map(|(_, key)| key.to_text().to_string()),
    }))
}

fn refused(refused: RecoveryKeyRefused) -> Problem {
    match refused {
        RecoveryKeyRefused::Typo(_) | RecoveryKeyRefused::OfAnother => {
            Problem::new(http::StatusCode::BAD_REQUEST, "wrong_recovery_key", refused.to_string())
        }
        RecoveryKeyRefused::Interrupted(interruption) => interruption.into(),
    }
}

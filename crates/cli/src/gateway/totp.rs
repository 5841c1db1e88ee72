//! The second factor: set up, confirmed, switched off.

use axum::{Json, extract::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use client::Confirmation;
use protocol::second_factor::TotpBegun;
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    Input, Problem, Signed,
    account::{Done, code},
    desk::Desk,
    input,
    session::Scope,
};

/// The account's owner once more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnerForm {
    /// The password; may be left out within ten minutes after the login.
    #[serde(default)]
    password: Option<String>,
    /// A code of the authenticator or a recovery code, where the second factor is on.
    #[serde(default, alias = "totp_token")]
    #[schema(example = "123456")]
    totp: Option<String>,
}

/// What the authenticator is to hold.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpSetup {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// The secret in base32, for typing in.
    secret: String,
    /// The QR code as a `data:` URL of an SVG picture.
    qr_code: String,
    /// The same as `otpauth://` address.
    uri: String,
    /// What to do.
    message: &'static str,
}

/// Draws a secret for an authenticator.
///
/// Nothing is asked for at login until `/api/totp/enable` has shown that the authenticator holds it.
#[utoipa::path(post, path = "/api/totp/setup", tag = "Second factor", request_body = Option<OwnerForm>,
    responses((status = 200, body = TotpSetup)))]
pub(super) async fn setup(signed: Signed, request: Request) -> Result<Json<TotpSetup>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let confirmation = confirmation(desk, input::optional(request).await?)?;
    let begun = desk.account.begin_totp(&confirmation).await.map_err(|error| desk.trouble(error))?;
    let TotpBegun { secret, uri } = begun;
    Ok(Json(TotpSetup {
        status: "ok",
        qr_code: drawn(&uri)?,
        secret,
        uri,
        message: "Scan the code with your authenticator, then confirm with POST /api/totp/enable {\"totp\": \"…\"}",
    }))
}

/// The first code of the authenticator.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnableForm {
    /// What the authenticator shows.
    #[serde(alias = "totp_token")]
    #[schema(example = "123456")]
    totp: String,
}

/// The second factor is on.
#[derive(Serialize, ToSchema)]
pub(super) struct TotpEnabled {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Ten codes that stand in for a lost authenticator, each once. They are shown this once: keep them.
    recovery_codes: Vec<String>,
}

/// Switches the second factor on.
///
/// From now on a code is asked for at every login.
#[utoipa::path(post, path = "/api/totp/enable", tag = "Second factor", request_body = EnableForm,
    responses((status = 200, body = TotpEnabled)))]
pub(super) async fn enable(
    signed: Signed,
    Input(form): Input<EnableForm>,
) -> Result<Json<TotpEnabled>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let code = form.totp.parse().map_err(|refused| Problem::invalid(format!("{refused}")))?;
    let codes = desk.account.enable_totp(code).await.map_err(|error| desk.trouble(error))?;
    let recovery_codes = codes.codes.iter().map(|code| code.to_text().to_string()).collect();
    Ok(Json(TotpEnabled { status: "ok", recovery_codes }))
}

/// Switches the second factor off.
///
/// Takes a code; all other sessions of the account end.
#[utoipa::path(post, path = "/api/totp/disable", tag = "Second factor", request_body = Option<OwnerForm>,
    responses((status = 200, body = Done)))]
pub(super) async fn disable(signed: Signed, request: Request) -> Result<Json<Done>, Problem> {
    let desk = signed.may(Scope::Account)?;
    let confirmation = confirmation(desk, input::optional(request).await?)?;
    desk.account.disable_totp(&confirmation).await.map_err(|error| desk.trouble(error))?;
    Ok(Json(Done::OK))
}

/// The owner's word: as it came, or with the password of a login that was just now.
fn confirmation(desk: &Desk, form: OwnerForm) -> Result<Confirmation, Problem> {
    let password = form.password.map(Zeroizing::new).or_else(|| desk.fresh_password());
    let password = password.ok_or_else(|| {
        Problem::new(
            http::StatusCode::UNAUTHORIZED,
            "password_required",
            "The login was more than ten minutes ago: send the password once more, as {\"password\": \"…\"}",
        )
    })?;
    Ok(Confirmation { password, code: form.totp.as_deref().map(code).transpose()? })
}

/// A QR code as a picture that a page can show.
fn drawn(text: &str) -> Result<String, Problem> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .map_err(|_| Problem::new(http::StatusCode::BAD_GATEWAY, "bad_answer", "The secret is too long"))?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(picture)))
}

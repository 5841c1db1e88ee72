//! Accounts are made, sessions begun and ended.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use client::{SignIn, SignInError, SignUp};
use http::{HeaderMap, HeaderName, header::SET_COOKIE};
use protocol::{EmailAddress, Username, second_factor::SecondFactorCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    ClientAddress, Gateway, Input, Problem, Signed,
    desk::Desk,
    input::text,
    session::{Scope, cookie_name},
};

/// What the session is called in the account's list of sessions.
const DEVICE_NAME: &str = "REST gateway";
/// As long as a session of the server can last, in seconds: 30 days.
const COOKIE_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Done.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

impl Done {
    pub(super) const OK: Self = Self { status: "ok" };
}

/// Who wants an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterForm {
    /// 3 to 32 letters, digits and `. _ -`.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "alice", min_length = 3, max_length = 32, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    username: String,
    /// At least 8 characters with a letter, a number and a special character.
    #[schema(example = "StrongPass123!", min_length = 8, max_length = 128)]
    password: String,
    /// Where a password reset may be mailed to.
    #[serde(default)]
    #[schema(example = "alice@example.org")]
    email: Option<String>,
    /// An invitation, where the server asks for one.
    #[serde(default)]
    invite: Option<String>,
}

/// An account was made.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Opens everything again when the password is forgotten. It is shown this once, and kept nowhere: write it down.
    recovery_key: String,
}

/// Makes an account.
///
/// All keys are drawn by the gateway. Signing in comes next.
#[utoipa::path(post, path = "/api/register", tag = "Account", request_body = RegisterForm,
    responses((status = 200, body = Registered)))]
pub(super) async fn register(
    State(gateway): State<Gateway>,
    address: Option<Extension<ClientAddress>>,
    Input(form): Input<RegisterForm>,
) -> Result<Json<Registered>, Problem> {
    let invite = form.invite.map(|invite| invite.parse());
    let form = SignUp {
        username: username(&form.username)?,
        password: form.password.into(),
        email: form.email.map(|email| address_of(&email)).transpose()?,
        invite: invite.transpose().map_err(|error| Problem::invalid(format!("The invitation {error}")))?,
        device_name: DEVICE_NAME.to_owned(),
    };
    let _place = gateway.place_to_stretch()?;
    let (account, recovery_key) = client::sign_up(gateway.machine(address), form).await?;
    // Registering signs in; who registers here signs in by themselves.
    account.log_out().await?;
    Ok(Json(Registered { status: "ok", recovery_key: recovery_key.to_text().to_string() }))
}

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginForm {
    /// The name.
    #[serde(deserialize_with = "text::string")]
    #[schema(example = "alice")]
    username: String,
    /// The password.
    #[schema(example = "StrongPass123!")]
    password: String,
    /// The code of the authenticator, or a recovery code, where the second factor is on.
    #[serde(default, alias = "totp_token")]
    #[schema(example = "123456")]
    totp: Option<String>,
}

/// Signed in, or a code is asked for.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum LoggedIn {
    /// Signed in.
    Session {
        /// Always `ok`.
        #[schema(example = "ok")]
        status: &'static str,
        /// Who.
        username: String,
        /// For `Authorization: Bearer`; the cookie holds the same.
        token: String,
    },
    /// The password is right, and a code is asked for besides: the same call again, with `totp`.
    RequiresTotp {
        /// Always `true`.
        requires_totp: bool,
        /// What to do.
        message: &'static str,
    },
}

/// Signs in.
///
/// The answer sets a cookie, and holds the same token for `Authorization: Bearer`. Both are good until the logout, a day
/// without use, or the end of the gateway's process.
#[utoipa::path(post, path = "/api/login", tag = "Account", request_body = LoginForm,
    responses((status = 200, body = LoggedIn)))]
pub(super) async fn login(
    State(gateway): State<Gateway>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    Input(form): Input<LoginForm>,
) -> Result<Response, Problem> {
    let password = Zeroizing::new(form.password);
    let machine = gateway.machine(address);
    // What can be nobody's name is answered like any other name that nobody has.
    let nobody = |_| Problem::from(protocol::Code::WrongCredentials);
    let form = SignIn {
        username: username(&form.username).map_err(nobody)?,
        password: password.clone(),
        code: form.totp.as_deref().map(code).transpose()?,
        device_name: DEVICE_NAME.to_owned(),
    };
    let _place = gateway.place_to_stretch()?;
    let account = match client::sign_in(Arc::clone(&machine), form).await {
        Ok(account) => account,
        Err(SignInError::SecondFactorRequired) => {
            let message = "Enter the code of your authenticator: the same call again, with \"totp\"";
            return Ok(Json(LoggedIn::RequiresTotp { requires_totp: true, message }).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let username = account.me().username.to_string();
    let (token, displaced) = match gateway.sessions().open(account, machine, password) {
        Ok(opened) => opened,
        Err(account) => {
            account.log_out().await?;
            return Err(Problem::busy("Too many accounts are open on this gateway: log out of one"));
        }
    };
    for displaced in displaced {
        tokio::spawn(async move { displaced.close().await });
    }
    let cookie = gateway.cookie(&headers, &token, COOKIE_SECONDS);
    let answer = LoggedIn::Session { status: "ok", username, token: token.to_string() };
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Json(answer)).into_response())
}

/// Signs out.
///
/// The session ends on the server too, the gateway forgets the account's keys, and all its personal tokens are over.
#[utoipa::path(post, path = "/api/logout", tag = "Account", responses((status = 200, body = Done)))]
pub(super) async fn logout(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    signed: Signed,
) -> Result<(AppendHeaders<[(HeaderName, String); 1]>, Json<Done>), Problem> {
    let desk: &Arc<Desk> = signed.may(Scope::Account)?;
    gateway.sessions().remove(desk);
    desk.close().await;
    Ok((AppendHeaders([(SET_COOKIE, gateway.cookie(&headers, "", 0))]), Json(Done::OK)))
}

/// Says who is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    username: String,
    /// The account's id.
    account: String,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "Account", responses((status = 200, body = Me)))]
pub(super) async fn me(signed: Signed) -> Result<Json<Me>, Problem> {
    let me = signed.desk.account.me();
    Ok(Json(Me { username: me.username.to_string(), account: me.account.to_string() }))
}

impl Gateway {
    fn cookie(&self, headers: &HeaderMap, token: &str, seconds: u64) -> String {
        let name = cookie_name(headers, self.is_https());
        // A name that begins with __Host- wants the whole host.
        let place = if self.is_https() { "Path=/; Secure" } else { "Path=/api" };
        format!("{name}={token}; HttpOnly; SameSite=Lax; Max-Age={seconds}; {place}")
    }
}

pub(super) fn username(typed: &str) -> Result<Username, Problem> {
    typed.parse().map_err(|refused| Problem::invalid(format!("{refused}")))
}

pub(super) fn address_of(typed: &str) -> Result<EmailAddress, Problem> {
    typed.parse().map_err(|refused| Problem::invalid(format!("{refused}")))
}

pub(super) fn code(typed: &str) -> Result<SecondFactorCode, Problem> {
    typed.parse().map_err(|refused| Problem::invalid(format!("{refused}")))
}

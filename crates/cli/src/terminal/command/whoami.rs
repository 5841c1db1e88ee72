use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{data, json, patiently},
};

#[derive(serde::Serialize)]
struct Me {
    username: String,
    account: String,
    server: String,
    profile: String,
    session: String,
    email: Option<String>,
    second_factor: bool,
    recovery_codes_left: u32,
}

/// Who is signed in.
pub(super) async fn run(desk: &mut Desk) -> Result<(), Problem> {
    let account = desk.account().await?;
    let profile = patiently("Waiting for the server", account.profile()).await?;
    let me = Me {
        username: profile.username.to_string(),
        account: account.me().account.to_string(),
        server: desk.server()?.to_string(),
        profile: desk.profile.name.clone(),
        session: account.session().session.to_string(),
        email: profile.email.map(|email| email.as_str().to_owned()),
        second_factor: profile.second_factor_since_ms.is_some(),
        recovery_codes_left: profile.recovery_codes_left,
    };
    if desk.options.json {
        return json::object(&me);
    }
    data(format!("{} at {} (profile {})", me.username, me.server, me.profile))?;
    match me.second_factor {
        true => data(format!(
            "Two-factor authentication is on; {} recovery codes are left.",
            me.recovery_codes_left
        )),
        false => data("Two-factor authentication is off."),
    }
}

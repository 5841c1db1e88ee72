use clap::Args;
use client::{Device, SignIn, SignInError};
use protocol::{Username, session::EndSession};

use crate::terminal::{
    desk::{Desk, device_name},
    ending::Problem,
    say::{data, json, patiently},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging login
  secure-messaging login bob --profile bob
  secure-messaging login alice --server https://chat.example.org --password-file alice.password";

/// A session begins.
#[derive(Args, Debug)]
pub struct Login {
    /// The name of the account
    username: Option<String>,
}

#[derive(serde::Serialize)]
struct LoggedIn<'a> {
    username: &'a str,
    server: &'a str,
    session: String,
}

impl Login {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let standing = desk.profile.session()?;
        // A server that does not fit is said before anybody types a password.
        desk.server()?;
        let username = desk.options.line(self.username, "Username: ", "The username")?;
        let username: Username =
            username.trim().parse().map_err(|_| Problem::from(SignInError::WrongCredentials))?;
        if let Some(other) = standing.as_ref().filter(|session| session.username != username) {
            return Err(Problem::failed(format!(
                "{} is signed in here: log out first, or choose another profile with --profile NAME",
                other.username
            )));
        }
        let password = desk.password("Password: ")?;
        let machine = desk.machine().await?;
        desk.close_account();
        let code = desk.given_code()?;
        let mut form = SignIn { username, password: password.clone(), code, device_name: device_name() };
        let account = loop {
            let what = format!("Waiting for {}", machine.http().server());
            match patiently(&what, client::sign_in(machine.clone(), form.clone())).await {
                Err(SignInError::SecondFactorRequired) => {
                    form.code = Some(desk.options.code("TOTP (if enabled): ")?);
                }
                signed_in => break signed_in?,
            }
        };
        if let Err(problem) = desk.begin(&account, &password).await {
            // A session that cannot be kept would be left behind.
            account.log_out().await?;
            return Err(problem);
        }
        if let Some(old) = standing {
            // It may have ended by itself. Only the session: the device goes on in the new one.
            let _ = machine.call(EndSession { session: old.session }).await;
        }
        if desk.options.json {
            let server = machine.http().server().to_string();
            let session = account.session().session.to_string();
            return json::object(&LoggedIn {
                username: account.me().username.as_str(),
                server: &server,
                session,
            });
        }
        data("Login successful. Session started.")
    }
}

use clap::Args;
use client::SignUp;
use crypto::one_time::InviteToken;
use protocol::{EmailAddress, Username, password};

use crate::terminal::{
    desk::{Desk, device_name},
    ending::Problem,
    say::{data, json, patiently, talk},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging register
  secure-messaging register alice --email alice@example.org --server https://chat.example.org
  secure-messaging register robot --password-file robot.password --json";

/// An account is made.
#[derive(Args, Debug)]
pub struct Register {
    /// The name, free for the taking
    username: Option<String>,
    /// Where a mail goes that resets a forgotten password
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The invitation, where the server asks for one: its link, or what stands behind `invite=`
    #[arg(long, value_name = "LINK")]
    invite: Option<String>,
}

#[derive(serde::Serialize)]
struct Registered<'a> {
    username: &'a str,
    recovery_key: &'a str,
}

impl Register {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let Self { username, email, invite } = self;
        let email = email.map(|email| email.parse::<EmailAddress>()).transpose().map_err(Problem::usage)?;
        let invite = invite.as_deref().map(invitation).transpose()?;
        let username = desk.options.line(username, "Username: ", "The username")?;
        let username: Username = username.trim().parse().map_err(Problem::failed)?;
        let password = desk.password("Password: ")?;
        password::check(&password, Some(&username))?;
        talk("Password meets complexity requirements ✔");

        let machine = desk.visitor()?;
        let form = SignUp { username, password, email, invite, device_name: device_name() };
        let what = format!("Waiting for {}", machine.http().server());
        let (account, recovery_key) = patiently(&what, client::sign_up(machine, form)).await?;
        let (username, recovery_key) = (account.me().username.clone(), recovery_key.to_text());
        if desk.options.json {
            json::object(&Registered { username: username.as_str(), recovery_key: &recovery_key })?;
        } else {
            data("User registered successfully.")?;
            talk("");
            talk("Your recovery key, which is shown only now:");
            talk("");
            talk(format!("  {}", *recovery_key));
            talk("");
            talk("Write it down and keep it where you keep other papers. If you forget your password,");
            talk("it opens your messages again; nobody else can, not even who runs the server.");
        }
        // Logging in comes next: no session is left behind that nobody uses.
        account.log_out().await?;
        desk.profile.remember_server(&desk.server()?)
    }
}

fn invitation(text: &str) -> Result<InviteToken, Problem> {
    let token = text.rsplit_once("invite=").map_or(text, |(_, token)| token);
    token
        .trim()
        .parse()
        .map_err(|_| Problem::usage("This is no invitation: give its link, as it was sent to you"))
}

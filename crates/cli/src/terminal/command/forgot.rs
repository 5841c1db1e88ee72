use clap::Args;
use protocol::EmailAddress;

use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{patiently, talk},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging forgot alice@example.org";

/// A mail is asked for.
#[derive(Args, Debug)]
pub struct Forgot {
    /// The address of your account
    email: Option<String>,
}

impl Forgot {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let email = desk.options.line(self.email, "E-mail: ", "The address")?;
        let email: EmailAddress = email.trim().parse().map_err(Problem::usage)?;
        let machine = desk.visitor()?;
        patiently("Waiting for the server", client::forgot_password(&*machine, email)).await?;
        talk(
            "If somebody has an account with this address, a mail is on its way. Its link is good for an hour:",
        );
        talk("open it, or give it to `secure-messaging reset`.");
        Ok(())
    }
}

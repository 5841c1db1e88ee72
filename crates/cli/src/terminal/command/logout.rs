use clap::Args;
use client::unsent_of_locked;

use crate::terminal::{
    desk::Desk,
    ending::{Ending, Problem},
    say::{ask, data, talk},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging logout
  secure-messaging logout --profile bob --force";

/// The session ends.
#[derive(Args, Debug)]
pub struct Logout {
    /// Also when messages wait here that were not sent: they are lost
    #[arg(long)]
    force: bool,
}

impl Logout {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let session = desk.profile.session()?.ok_or_else(Problem::not_signed_in)?;
        let machine = desk.machine().await?;
        let unsent = unsent_of_locked(&*machine, session.account).await?;
        if unsent > 0 && !self.force {
            let question = format!("{unsent} of your messages were not sent yet and would be lost. Log out?");
            let missing = format!("{unsent} of your messages were not sent yet: send them, or give --force");
            if !ask::yes(&question, desk.options.may_ask(), &missing)? {
                return Err(Problem::new(Ending::Failed, "You are still signed in"));
            }
        }
        let account = if desk.opens_without_asking() { desk.account().await.ok() } else { None };
        desk.stop_upkeep();
        match account {
            // The device leaves the account's list.
            Some(account) => account.log_out().await?,
            // The password is not needed for leaving. Without the keyring the session ends by itself after a week.
            None => {
                if let Some(opened) = session.open_with_keyring(&desk.profile) {
                    machine.set_token(Some(opened.token));
                }
                client::log_out_locked(&*machine, &session.username, Some(session.account)).await?;
            }
        }
        if machine.http().problem().is_some() {
            talk(
                "The server could not be told: the session ends there after a week without use, or by `sessions --end` elsewhere.",
            );
        }
        desk.profile.forget_session(session.session)?;
        desk.close_account();
        data("Logged out.")
    }
}

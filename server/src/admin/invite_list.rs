use clap::Args;

use super::{Desk, text};
use crate::mail::time;

/// All invitations.
#[derive(Args)]
pub(crate) struct InviteList {}

impl InviteList {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self {} = self;
        let invites = desk.assembled.relay.list_invites().await.map_err(text)?;
        if invites.is_empty() {
            eprintln!("There are no invitations: `admin invite create` makes one.");
        } else {
            eprintln!("number\taccounts left\tgood until");
        }
        for invite in invites {
            println!("{}\t{}\t{}", invite.number, invite.uses_left, time(invite.expires_at_ms));
        }
        Ok(())
    }
}

use clap::Args;

use super::{Desk, text};

/// An invitation becomes worthless.
#[derive(Args)]
pub(crate) struct InviteRevoke {
    /// Which, by its number in `admin invite list`.
    #[arg(value_name = "NUMBER")]
    number: u64,
}

impl InviteRevoke {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self { number } = self;
        if desk.assembled.relay.revoke_invite(number).await.map_err(text)? {
            eprintln!("Invitation {number} is worth nothing any more. Accounts that were made with it stay.");
            Ok(())
        } else {
            Err(format!("there is no invitation {number}: `admin invite list` shows those that there are"))
        }
    }
}

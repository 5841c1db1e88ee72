use clap::Args;
use protocol::Username;

use super::{Desk, text};

/// Two-factor authentication of one account is switched off.
#[derive(Args)]
pub(crate) struct Remove2fa {
    /// Whose.
    #[arg(value_name = "USER")]
    username: Username,
}

impl Remove2fa {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self { username } = self;
        if desk.assembled.relay.remove_second_factor(&username).await.map_err(text)? {
            eprintln!("{username} signs in with the password alone from now on; all sessions were ended.");
        } else {
            eprintln!("{username} has no two-factor authentication: nothing was changed.");
        }
        Ok(())
    }
}

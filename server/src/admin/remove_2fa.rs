use clap::Args;
use protocol::Username;

use super::{Desk, text};

/// Two-factor authentication of one account is switched off.
#[derive(Args)]
pub(crate) struct Remove2fa {
    /// Whose.
    #[arg(value_name = "USER")]
    user: Username,
}

impl Remove2fa {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self { user } = self;
        if desk.assembled.relay.remove_second_factor(&user).await.map_err(text)? {
            eprintln!("{user} signs in with the password alone from now on; all sessions were ended.");
        } else {
            eprintln!("{user} has no two-factor authentication: nothing was changed.");
        }
        Ok(())
    }
}

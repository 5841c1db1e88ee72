use clap::Args;
use protocol::Username;

use super::{Desk, text};
use crate::mail::reset_link;

/// A link with which a person sets a new password.
#[derive(Args)]
pub(crate) struct ResetLink {
    /// Whose password.
    #[arg(value_name = "USER")]
    username: Username,
}

impl ResetLink {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self { username } = self;
        let token = desk.assembled.relay.make_reset_token(&username).await.map_err(text)?;
        println!("{}", reset_link(&desk.base_url, &token.to_text()));
        eprintln!(
            "Hand this link to {username}, and to nobody else: whoever has it can set a new password. It is good for an \
             hour, once; an earlier one is worth nothing any more."
        );
        desk.tell_where_links_lead();
        Ok(())
    }
}

use std::time::Duration;

use clap::{Args, value_parser};

use super::{Desk, text};
use crate::mail::time;

/// An invitation is made.
#[derive(Args)]
pub(crate) struct InviteCreate {
    /// How many accounts may be made with it.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = value_parser!(u32).range(1..=10_000))]
    uses: u32,
    /// For how many days it is good.
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = value_parser!(u32).range(1..=3_650))]
    days: u32,
}

impl InviteCreate {
    pub(super) async fn run(self, desk: &Desk) -> Result<(), String> {
        let Self { uses, days } = self;
        let good_for = Duration::from_hours(24 * u64::from(days));
        let (token, invite) = desk.assembled.relay.make_invite(uses, good_for).await.map_err(text)?;
        println!("{}/register#invite={}", desk.base_url, *token.to_text());
        eprintln!(
            "Invitation {}: for {}, until {}. Its link is not shown again.",
            invite.number,
            if uses == 1 { "1 account".to_owned() } else { format!("{uses} accounts") },
            time(invite.expires_at_ms)
        );
        desk.tell_where_links_lead();
        Ok(())
    }
}

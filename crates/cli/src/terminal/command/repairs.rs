use client::Repair;

use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{data, json, talk, time},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging repairs
  secure-messaging repairs --json | jq -r .what";

#[derive(serde::Serialize)]
struct Line {
    at_ms: u64,
    what: Repair,
    says: &'static str,
}

/// What was mended, the newest last.
pub(super) async fn run(desk: &mut Desk) -> Result<(), Problem> {
    let account = desk.account().await?;
    let repairs = account.repairs().await?;
    if repairs.is_empty() && !desk.options.json {
        talk("Nothing had to be mended.");
    }
    for mended in repairs {
        let says = mended.what.text();
        if desk.options.json {
            json::object(&Line { at_ms: mended.at_ms, what: mended.what, says })?;
        } else {
            data(format!("{}  {says}", time::local(mended.at_ms)))?;
        }
    }
    Ok(())
}

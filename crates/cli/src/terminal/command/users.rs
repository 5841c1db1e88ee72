use clap::Args;

use crate::terminal::{
    desk::Desk,
    ending::Problem,
    say::{Shown, data, json, patiently},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging users
  secure-messaging users al --json";

/// Who has an account.
#[derive(Args, Debug)]
pub struct Users {
    /// Only names that begin so
    prefix: Option<String>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    username: &'a str,
    account: String,
}

impl Users {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        let mut after = None;
        loop {
            let listing = account.users(self.prefix.as_deref(), after.as_ref());
            let page = patiently("Fetching names", listing).await?;
            for user in &page.users {
                if desk.options.json {
                    json::object(&Line {
                        username: user.username.as_str(),
                        account: user.account.to_string(),
                    })?;
                } else {
                    data(Shown::line(user.username.as_str()).to_string())?;
                }
            }
            after = page.users.last().map(|user| user.username.clone());
            if !page.more || after.is_none() {
                return Ok(());
            }
        }
    }
}

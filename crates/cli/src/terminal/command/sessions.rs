use clap::Args;
use protocol::SessionId;

use crate::terminal::{
    desk::Desk,
    ending::{Ending, Problem},
    say::{Shown, data, json, patiently, talk, time},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging sessions
  secure-messaging sessions --end 5rJ1mWc0QpS1bq4hHk3z2A
  secure-messaging sessions --end-others";

/// Sessions are listed, or ended.
#[derive(Args, Debug)]
pub struct Sessions {
    /// End this one, on whichever machine it is
    #[arg(long, value_name = "SESSION")]
    end: Option<String>,
    /// End all but this one
    #[arg(long, conflicts_with = "end")]
    end_others: bool,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    session: String,
    device: &'a str,
    created_at_ms: u64,
    last_seen_at_ms: u64,
    current: bool,
}

#[derive(serde::Serialize)]
struct Ended {
    ended: u32,
}

impl Sessions {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        let as_json = desk.options.json;
        let ended = if let Some(session) = &self.end {
            let missing = || {
                Problem::new(
                    Ending::NotFound,
                    "You have no such session: `secure-messaging sessions` lists them",
                )
            };
            let session: SessionId = session.parse().map_err(|_| missing())?;
            if session == account.session().session {
                return Err(Problem::usage(
                    "This is the session that you are in: `secure-messaging logout` ends it",
                ));
            }
            patiently("Ending it", account.end_session(session)).await?;
            1
        } else if self.end_others {
            patiently("Ending them", account.end_other_sessions()).await?
        } else {
            let sessions = patiently("Waiting for the server", account.sessions()).await?;
            for one in &sessions {
                if as_json {
                    json::object(&Line {
                        session: one.session.to_string(),
                        device: &one.device_name,
                        created_at_ms: one.created_at_ms,
                        last_seen_at_ms: one.last_seen_at_ms,
                        current: one.current,
                    })?;
                    continue;
                }
                let here = if one.current { "  (this one)" } else { "" };
                let seen = time::local(one.last_seen_at_ms);
                data(format!("{}  last seen {seen}  {}{here}", one.session, Shown::line(&one.device_name)))?;
            }
            account.acknowledge_sessions(&sessions).await?;
            return Ok(());
        };
        if as_json {
            return json::object(&Ended { ended });
        }
        talk(if ended == 1 {
            "1 session was ended.".to_owned()
        } else {
            format!("{ended} sessions were ended.")
        });
        Ok(())
    }
}

use std::collections::BTreeSet;

use clap::Args;
use protocol::{SessionId, session::SessionInfo};

use crate::{
    device::Account,
    terminal::{
        desk::Desk,
        ending::{Ending, Problem},
        say::{Shown, data, json, patiently, talk, time},
    },
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
    #[arg(long, value_name = "SESSION", allow_hyphen_values = true)]
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
    /// How many of them had devices, which are revoked: what those sign from now on counts no more.
    devices_revoked: usize,
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
            let devices = devices(&account, |one| one.session == session).await?;
            patiently("Ending it", account.end_session(session)).await?;
            Ended { ended: 1, devices_revoked: devices }
        } else if self.end_others {
            let devices = devices(&account, |one| !one.current).await?;
            let ended = patiently("Ending them", account.end_other_sessions()).await?;
            Ended { ended, devices_revoked: devices }
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
            return json::object(&ended);
        }
        talk(ended.words());
        Ok(())
    }
}

impl Ended {
    fn words(&self) -> String {
        let sessions = match self.ended {
            1 => "1 session was ended".to_owned(),
            ended => format!("{ended} sessions were ended"),
        };
        match (self.devices_revoked, self.ended) {
            (0, _) => format!("{sessions}."),
            (1, 1) => format!("{sessions}, and its device is revoked."),
            (1, _) => format!("{sessions}, and 1 device is revoked."),
            (devices, _) => format!("{sessions}, and {devices} devices are revoked."),
        }
    }
}

/// How many devices these sessions have.
async fn devices(account: &Account, which: impl Fn(&SessionInfo) -> bool) -> Result<usize, Problem> {
    let sessions = patiently("Waiting for the server", account.sessions()).await?;
    let own = sessions.iter().find(|one| one.current).and_then(|one| one.device);
    let devices = sessions.iter().filter(|one| which(one)).filter_map(|one| one.device);
    Ok(devices.filter(|device| Some(*device) != own).collect::<BTreeSet<_>>().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ended_is_said_in_words_that_are_true() {
        let words = |ended, devices_revoked| Ended { ended, devices_revoked }.words();
        assert_eq!(words(0, 0), "0 sessions were ended.");
        assert_eq!(words(1, 0), "1 session was ended.");
        assert_eq!(words(1, 1), "1 session was ended, and its device is revoked.");
        assert_eq!(words(3, 1), "3 sessions were ended, and 1 device is revoked.");
        assert_eq!(words(3, 2), "3 sessions were ended, and 2 devices are revoked.");
    }
}

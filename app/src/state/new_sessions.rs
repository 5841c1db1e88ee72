//! Sign-ins that the account's owner should know about.

use client::Account;
use leptos::{prelude::*, task::spawn_local};
use protocol::session::SessionInfo;

use super::{rows::day_and_time, session::Session};
use crate::browser::{Device, TabNote};

impl Session {
    /// Sessions of the open account that began since this device was last told of them.
    pub fn new_sessions(self) -> ReadSignal<Vec<SessionInfo>> {
        self.new_sessions.read_only()
    }

    /// Asks for them.
    pub(super) fn look_at_sessions(self, account: Account<Device>) {
        spawn_local(async move {
            // What cannot be asked now is asked when the events flow again.
            if let Ok(found) = account.new_sessions().await
                && self.has_open(account.me().account)
                && self.new_sessions.with_untracked(|shown| *shown != found)
            {
                self.new_sessions.set(found);
            }
        });
    }

    /// Their owner has seen them.
    pub fn acknowledge_sessions(self) {
        let seen = self.new_sessions.get_untracked();
        self.new_sessions.set(Vec::new());
        if let Some(account) = self.standing_account() {
            spawn_local(async move {
                // What cannot be kept is shown once more after a reload.
                let _ = account.acknowledge_sessions(&seen).await;
                self.tell(TabNote::Changed);
            });
        }
    }
}

/// `New sign-in to your account: Firefox on Linux, 14:05.`
pub fn announcement(
    new: &[SessionInfo],
    moment: impl Fn(u64) -> crate::browser::Moment,
    today: i64,
) -> String {
    let named = |one: &SessionInfo| {
        format!("{}, {}", one.device_name, day_and_time(&moment(one.created_at_ms), today))
    };
    match new {
        [one] => format!("New sign-in to your account: {}.", named(one)),
        many => {
            let all: Vec<String> = many.iter().map(named).collect();
            format!("{} new sign-ins to your account: {}.", many.len(), all.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::Moment;
    use protocol::SessionId;

    #[test]
    fn an_announcement_names_each_device_and_when_it_came() {
        let session = |device_name: &str, created_at_ms| SessionInfo {
            session: SessionId::from_bytes([7; 16]),
            device_name: device_name.to_owned(),
            created_at_ms,
            last_seen_at_ms: created_at_ms,
            current: false,
            device: None,
        };
        let moment = |at_ms: u64| Moment {
            day: i64::from(at_ms > 100),
            time: "14:05".to_owned(),
            short_day: "3 Nov".to_owned(),
            ..Moment::default()
        };
        let one = [session("Firefox on Linux", 200)];
        assert_eq!(announcement(&one, moment, 1), "New sign-in to your account: Firefox on Linux, 14:05.");
        let two = [session("Firefox on Linux", 200), session("Safari on iPhone", 50)];
        assert_eq!(
            announcement(&two, moment, 1),
            "2 new sign-ins to your account: Firefox on Linux, 14:05; Safari on iPhone, 3 Nov, 14:05."
        );
    }
}

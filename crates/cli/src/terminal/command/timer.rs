use std::str::FromStr;

use clap::Args;
use client::{Body, Message, TimerError, duration_words};
use protocol::limits::MAX_TIMER_S;

use super::{
    inbox::fetch,
    send::{delivered, person},
};
use crate::terminal::{
    desk::Desk,
    ending::{Ending, Problem},
    say::{data, json, patiently},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging timer bob
      Shows it
  secure-messaging timer bob 5m
      What you and Bob write from now on disappears five minutes after it was sent
  secure-messaging timer bob carol 1w
  secure-messaging timer bob off";

/// The letters behind a number, and how many seconds they stand for.
const UNITS: [(char, u64); 5] =
    [('s', 1), ('m', 60), ('h', 60 * 60), ('d', 24 * 60 * 60), ('w', 7 * 24 * 60 * 60)];

/// A conversation's timer is shown, or set.
#[derive(Args, Debug)]
pub struct Timer {
    /// With whom; and as the last word when messages disappear: `off`, or a number with s, m, h, d or w
    #[arg(value_name = "USER", required = true)]
    words: Vec<String>,
}

/// When messages disappear; `None`: they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Setting(Option<u32>);

/// It is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoSetting {
    /// It may be somebody's name.
    Name,
    /// A number that says nothing.
    WithoutUnit,
    /// A number that is too large.
    TooLong,
}

impl FromStr for Setting {
    type Err = NoSetting;

    fn from_str(word: &str) -> Result<Self, NoSetting> {
        if word == "off" {
            return Ok(Self(None));
        }
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number(word) {
            return Err(NoSetting::WithoutUnit);
        }
        let unit = UNITS.iter().find_map(|(letter, unit)| Some((word.strip_suffix(*letter)?, *unit)));
        let (number, unit) = unit.filter(|(number, _)| is_number(number)).ok_or(NoSetting::Name)?;
        let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        let seconds = seconds.filter(|seconds| *seconds <= u64::from(MAX_TIMER_S));
        let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
        seconds.map(|seconds| Self(Some(seconds))).ok_or(NoSetting::TooLong)
    }
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    with: Vec<&'a str>,
    conversation: String,
    /// `null`: messages stay.
    timer_s: Option<u32>,
}

impl Timer {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let (names, setting) = taken_apart(&self.words)?;
        let account = desk.account().await?;
        let mut people = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let found = patiently("Looking for them", person(&account, name)).await;
            let may_be_a_time = number > 0 && name.starts_with(|c: char| c.is_ascii_digit());
            people.push(found.map_err(|problem| match problem.ending {
                Ending::NotFound if may_be_a_time => Problem::usage(format!(
                    "{name} is nobody here, and no time: say `off`, or a number with s, m, h, d or w behind it"
                )),
                _ => problem,
            })?);
        }
        fetch(&account).await?;
        let ids: Vec<_> = people.iter().map(|person| person.account).collect();
        let conversation = patiently("Fetching keys", account.open_conversation(&ids)).await?;
        if let Some(Setting(timer_s)) = setting {
            account.set_timer(conversation, timer_s).await?;
            let is_it = |message: &&Message| message.place.is_none() && message.body == Body::Timer(timer_s);
            let thread = account.thread(conversation);
            let waits =
                thread.and_then(|thread| thread.messages.iter().rev().find(is_it).map(|found| found.id));
            // Without one it was so already.
            if let Some(id) = waits {
                delivered(&account, conversation, id, "The timer").await?;
                // It comes back through the mailbox, and then nothing of it waits here any more.
                let _ = patiently("Sending", account.sync()).await;
            }
        }
        let timer_s = account.thread(conversation).and_then(|thread| thread.timer_s);
        let with: Vec<&str> = people.iter().map(|person| person.username.as_str()).collect();
        if desk.options.json {
            return json::object(&Shown { with, conversation: conversation.to_string(), timer_s });
        }
        let all = listed(&with);
        match timer_s {
            None => data(format!("What {all} write stays.")),
            Some(seconds) => {
                data(format!("What {all} write from here on disappears after {}.", duration_words(seconds)))
            }
        }
    }
}

/// Oneself and the others, in words.
fn listed(others: &[&str]) -> String {
    match others.split_last() {
        Some((last, [])) => format!("you and {last}"),
        Some((last, others)) => format!("you, {} and {last}", others.join(", ")),
        None => "you".to_owned(),
    }
}

/// Who, and what the timer is to be.
fn taken_apart(words: &[String]) -> Result<(&[String], Option<Setting>), Problem> {
    let Some((last, names)) = words.split_last().filter(|(_, names)| !names.is_empty()) else {
        return Ok((words, None));
    };
    match last.parse::<Setting>() {
        Ok(setting) => Ok((names, Some(setting))),
        Err(NoSetting::Name) => Ok((words, None)),
        Err(NoSetting::TooLong) => Err(TimerError::OutOfRange.into()),
        Err(NoSetting::WithoutUnit) => {
            Err(Problem::usage(format!("{last} of what? Say {last}s, {last}m, {last}h, {last}d or {last}w")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_off_or_a_number_with_a_unit() {
        let read = |word: &str| word.parse::<Setting>().map(|Setting(seconds)| seconds);
        assert_eq!(read("off"), Ok(None));
        for (word, seconds) in
            [("5s", 5), ("5m", 300), ("1h", 3600), ("1d", 86_400), ("1w", 604_800), ("0s", 0)]
        {
            assert_eq!(read(word), Ok(Some(seconds)), "{word}");
        }
        for name in ["bob", "m", "5x", "-5s", "5.5m", "5 m", "", "Off", "５m"] {
            assert_eq!(read(name), Err(NoSetting::Name), "{name}");
        }
        assert_eq!(read("300"), Err(NoSetting::WithoutUnit));
        for long in ["53w", "366d", "99999999999999999999s", "18446744073709551615w"] {
            assert_eq!(read(long), Err(NoSetting::TooLong), "{long}");
        }
    }

    #[test]
    fn people_are_listed_as_one_says_it() {
        assert_eq!(listed(&["bob"]), "you and bob");
        assert_eq!(listed(&["bob", "carol", "dave"]), "you, bob, carol and dave");
    }

    #[test]
    fn the_last_of_several_words_may_be_the_setting() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let read = |line: &str| {
            let words = words(line);
            taken_apart(&words).map(|(names, setting)| (names.len(), setting))
        };
        assert_eq!(read("bob"), Ok((1, None)));
        assert_eq!(read("off"), Ok((1, None)), "somebody may be called so");
        assert_eq!(read("bob off"), Ok((1, Some(Setting(None)))));
        assert_eq!(read("bob carol 5m"), Ok((2, Some(Setting(Some(300))))));
        assert_eq!(read("bob carol"), Ok((2, None)));
        assert!(read("bob 300").is_err());
        assert!(read("bob 9999w").is_err());
    }
}

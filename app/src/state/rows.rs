//! A thread, cut into what stands below one another: days, the line before what is new, messages in groups.

use client::{Body, Message, MessageState, timer_line};
use protocol::id::MessageId;

use crate::browser::Moment;

/// Messages of one author within so long stand in one group.
const GROUP_MS: u64 = 5 * 60 * 1000;

/// One row of a thread.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A new day begins.
    Day {
        /// The message that follows.
        before: MessageId,
        /// In words.
        label: String,
    },
    /// What follows is new.
    New,
    /// Somebody set the timer.
    Timer {
        /// By which message.
        by: MessageId,
        /// Who, and to what.
        label: String,
    },
    /// A message.
    Message(Box<MessageRow>),
}

/// A message and how it stands among its neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRow {
    /// The message.
    pub message: Message,
    /// Whether it begins a group: then it says who wrote it.
    pub leads: bool,
    /// When it was written.
    pub moment: Moment,
}

/// What tells rows apart, and notices when one has to be drawn anew.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// The line before a day: clocks of authors differ, so the same day may begin twice.
    Day(MessageId),
    /// The line before what is new.
    New,
    /// A timer that was set.
    Timer(MessageId),
    /// A message: how far it has come and whether it leads change its looks.
    Message(MessageId, bool, u8),
}

impl Row {
    /// The key.
    pub fn key(&self) -> RowKey {
        match self {
            Self::Day { before, .. } => RowKey::Day(*before),
            Self::New => RowKey::New,
            Self::Timer { by, .. } => RowKey::Timer(*by),
            Self::Message(row) => {
                RowKey::Message(row.message.id, row.leads, state_number(&row.message.state))
            }
        }
    }
}

/// Cuts `messages` into rows; `first_new` is the message before which the line stands.
pub fn rows(
    messages: &[Message],
    first_new: Option<MessageId>,
    today: i64,
    moment: impl Fn(u64) -> Moment,
) -> Vec<Row> {
    let mut rows = Vec::with_capacity(messages.len() + 8);
    let mut before: Option<&Message> = None;
    let mut day_before = None;
    for message in messages {
        let moment = moment(message.sent_at_ms);
        let new_day = day_before != Some(moment.day);
        day_before = Some(moment.day);
        if new_day {
            rows.push(Row::Day { before: message.id, label: day_label(&moment, today) });
        }
        let is_first_new = first_new == Some(message.id);
        if is_first_new {
            rows.push(Row::New);
        }
        if let Body::Timer(timer_s) = message.body {
            let who = if message.mine { "You".to_owned() } else { message.author.username.to_string() };
            rows.push(Row::Timer { by: message.id, label: format!("{who}: {}", timer_line(timer_s)) });
            before = None;
            continue;
        }
        let leads = new_day
            || is_first_new
            || before.is_none_or(|earlier| {
                earlier.author.account != message.author.account
                    || message.sent_at_ms.saturating_sub(earlier.sent_at_ms) > GROUP_MS
            });
        before = Some(message);
        rows.push(Row::Message(Box::new(MessageRow { message: message.clone(), leads, moment })));
    }
    rows
}

/// `Today`, `Yesterday`, `Tuesday, 3 November 2026`.
pub fn day_label(moment: &Moment, today: i64) -> String {
    match today - moment.day {
        0 => "Today".to_owned(),
        1 => "Yesterday".to_owned(),
        _ => moment.long_day.clone(),
    }
}

/// As short as a list has room for: the time today, the weekday in the last days, else the date.
pub fn short_label(moment: &Moment, today: i64) -> String {
    match today - moment.day {
        0 => moment.time.clone(),
        1 => "Yesterday".to_owned(),
        2..7 => moment.weekday.clone(),
        _ => moment.short_day.clone(),
    }
}

/// The time today, else the date and the time.
pub fn day_and_time(moment: &Moment, today: i64) -> String {
    if moment.day == today { moment.time.clone() } else { format!("{}, {}", moment.short_day, moment.time) }
}

fn state_number(state: &MessageState) -> u8 {
    match state {
        MessageState::Received => 0,
        MessageState::Queued => 1,
        MessageState::Sending => 2,
        MessageState::Sent => 3,
        MessageState::Failed(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::{Body, Contact};
    use protocol::id::AccountId;

    const DAY_MS: u64 = 86_400_000;

    fn message(id: u8, author: u8, sent_at_ms: u64) -> Message {
        let author = Contact {
            account: AccountId::from_bytes([author; 16]),
            username: format!("person{author}").parse().unwrap(),
        };
        Message {
            id: MessageId::from_bytes([id; 16]),
            author,
            mine: false,
            body: Body::Text("Hello".to_owned()),
            sent_at_ms,
            place: None,
            state: MessageState::Received,
            unread: false,
            readers: Vec::new(),
            disappears_at_ms: None,
            missed_devices: 0,
        }
    }

    fn utc(at_ms: u64) -> Moment {
        let day = (at_ms / DAY_MS) as i64;
        Moment { day, long_day: format!("day {day}"), ..Moment::default() }
    }

    fn shape(rows: &[Row]) -> String {
        rows.iter()
            .map(|row| match row {
                Row::Day { label, .. } => format!("[{label}]"),
                Row::New => "[new]".to_owned(),
                Row::Timer { label, .. } => format!("({label})"),
                Row::Message(row) if row.leads => "M".to_owned(),
                Row::Message(_) => "m".to_owned(),
            })
            .collect()
    }

    #[test]
    fn messages_of_one_author_stand_together_until_the_day_or_the_author_changes() {
        let messages = [
            message(1, 1, 0),
            message(2, 1, 1_000),
            message(3, 2, 2_000),
            message(4, 2, 2_000 + GROUP_MS + 1),
            message(5, 2, DAY_MS),
        ];
        assert_eq!(shape(&rows(&messages, None, 1, utc)), "[Yesterday]MmMM[Today]M");
        assert_eq!(shape(&rows(&messages, None, 9, utc)), "[day 0]MmMM[day 1]M");
    }

    #[test]
    fn the_line_before_what_is_new_begins_a_group() {
        let messages = [message(1, 1, 0), message(2, 1, 1_000), message(3, 1, 2_000)];
        let first_new = Some(messages[1].id);
        assert_eq!(shape(&rows(&messages, first_new, 0, utc)), "[Today]M[new]Mm");
    }

    #[test]
    fn a_timer_stands_between_messages_and_what_follows_begins_a_group() {
        let mut timer = message(2, 1, 1_000);
        timer.body = Body::Timer(Some(3_600));
        let messages = [message(1, 1, 0), timer, message(3, 1, 2_000)];
        let told = "(person1: Messages disappear after 1 hour from here on)";
        assert_eq!(shape(&rows(&messages, None, 0, utc)), format!("[Today]M{told}M"));
    }

    #[test]
    fn no_two_rows_have_the_same_key() {
        // The author's clock jumped back by a day in between: the day's line appears twice.
        let messages = [message(1, 1, DAY_MS), message(2, 1, 0), message(3, 1, DAY_MS)];
        let rows = rows(&messages, None, 1, utc);
        let keys: std::collections::HashSet<RowKey> = rows.iter().map(Row::key).collect();
        assert_eq!(keys.len(), rows.len());
    }
}

use clap::Args;
use client::KeyChange;

use super::send::person;
use crate::terminal::{
    desk::Desk,
    ending::{Ending, Problem},
    say::{ask, data, json, patiently, qr, talk},
};

pub(super) const EXAMPLES: &str = "\
Examples:
  secure-messaging verify bob
      Shows sixty digits. Bob sees the same ones, unless somebody stands between you.
  secure-messaging verify bob --accept
      Shows the digits of a key that has changed, and accepts it once you have compared them
  secure-messaging verify bob --accept --number '12345 67890 …'
      Accepts it without asking, if these are its digits";

/// Safety numbers are compared.
#[derive(Args, Debug)]
pub struct Verify {
    /// Whose key
    name: String,
    /// Accept the key that they have now
    #[arg(long)]
    accept: bool,
    /// The sixty digits that were compared; spaces do not matter
    #[arg(long, value_name = "DIGITS", requires = "accept")]
    number: Option<String>,
}

#[derive(serde::Serialize)]
struct Verified<'a> {
    username: &'a str,
    account: String,
    safety_number: String,
    /// Whether the key is not the one that was accepted.
    changed: bool,
}

impl Verify {
    pub(super) async fn run(self, desk: &mut Desk) -> Result<(), Problem> {
        let account = desk.account().await?;
        let contact = patiently("Looking for them", person(&account, &self.name)).await?;
        if contact.account == account.me().account {
            return Err(Problem::usage("This is you: compare safety numbers with somebody else"));
        }
        let name = contact.username.as_str();
        let conversation = account.open_conversation(&[contact.account]).await?;
        patiently("Fetching keys", account.look_at_keys(conversation)).await?;
        let number = account.safety_number(contact.account);
        let number =
            number.ok_or_else(|| Problem::failed(format!("{name} has published no key that holds")))?;
        let is_changed =
            || account.thread(conversation).is_some_and(|thread| thread.changed_keys.contains(&contact));
        let mut changed = is_changed();
        let is_quiet = desk.options.json;
        if !is_quiet {
            show(&number.to_string())?;
        }
        let change = account.key_change(contact.account).unwrap_or(KeyChange::Key);
        if changed {
            talk(format!(
                "WARNING: {}. Nothing is sent to them until you accept {}.",
                change.told(name),
                change.what()
            ));
            talk(format!("{} Compare the digits by voice.", change.meaning()));
        }
        if changed && self.accept {
            let compared = match &self.number {
                Some(digits) => is_same(digits, &number.to_string()),
                None => {
                    let question = format!("Does {name} see the same digits? Accept {}?", change.what());
                    let missing = "Nobody can be asked: give the digits that were compared with --number";
                    ask::yes(&question, desk.options.may_ask() && !is_quiet, missing)?
                }
            };
            if !compared {
                return Err(Problem::new(Ending::KeyChanged, format!("Not accepted: {}", change.what())));
            }
            patiently("Accepting the key", account.accept_key(contact.account, number)).await?;
            patiently("Sending what waited", account.flush()).await?;
            changed = is_changed();
            talk(match change {
                KeyChange::Key => format!("The new key of {name} is accepted."),
                KeyChange::Devices => format!("The new list of {name}'s devices is accepted."),
            });
        } else if self.accept {
            if self.number.as_ref().is_some_and(|digits| !is_same(digits, &number.to_string())) {
                return Err(Problem::new(Ending::KeyChanged, "These are not the digits of this contact"));
            }
            talk(format!("The key of {name} has not changed: there is nothing to accept."));
        }
        if is_quiet {
            let safety_number = number.to_string();
            let account = contact.account.to_string();
            json::object(&Verified { username: name, account, safety_number, changed })?;
        }
        if changed { Err(Problem::silent(Ending::KeyChanged)) } else { Ok(()) }
    }
}

/// The digits, in three lines as they are read aloud, and as a code.
fn show(number: &str) -> Result<(), Problem> {
    let groups: Vec<&str> = number.split(' ').collect();
    for line in groups.chunks(4) {
        data(line.join(" "))?;
    }
    if let Some(code) = qr::code(number).filter(|_| std::io::IsTerminal::is_terminal(&std::io::stdout())) {
        talk(code);
    }
    Ok(())
}

fn is_same(typed: &str, number: &str) -> bool {
    let digits = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    digits(typed) == digits(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_the_same_however_they_are_grouped() {
        assert!(is_same("12345 67890", "12345 67890"));
        assert!(is_same(" 1234567890\n", "12345 67890"));
        assert!(!is_same("12345 67891", "12345 67890"));
        assert!(!is_same("", "12345 67890"));
    }
}

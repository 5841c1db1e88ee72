//! The interactive shell: the same words, one after the other, and the account stays open.

use std::cell::RefCell;

use clap::{CommandFactory, FromArgMatches, Parser};
use rustyline::{
    Context, Editor, Helper, completion::Completer, error::ReadlineError, highlight::Highlighter,
    hint::Hinter, history::MemHistory, validate::Validator,
};

use super::{
    command::{Command, Word},
    desk::Desk,
    ending::{Ending, Problem},
    say::{ask, talk},
};

const PROMPT: &str = "secure-messaging> ";
/// So many names are offered for completion.
const MOST_NAMES: usize = 1_000;

/// One line of the shell.
#[derive(Parser)]
#[command(name = "", no_binary_name = true, disable_version_flag = true, about = None, long_about = None)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

/// Reads words and does them, until `quit` or Ctrl-D.
pub(super) async fn run(desk: &mut Desk, whole: &clap::Command) -> Result<(), Problem> {
    greet(desk)?;
    let unreadable = |error: ReadlineError| Problem::failed(format!("The terminal cannot be read: {error}"));
    let mut editor: Editor<Words, MemHistory> =
        Editor::with_history(ask::editing(), MemHistory::new()).map_err(unreadable)?;
    let words = Words::default();
    if desk.opens_without_asking() && desk.account().await.is_ok() {
        desk.look_after();
        words.learn(desk).await;
    }
    editor.set_helper(Some(words));
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(unreadable(error)),
        };
        let Some(words) = shlex::split(&line) else {
            talk("A quotation mark is open: close it.");
            continue;
        };
        if words.is_empty() {
            continue;
        }
        if let Some(kept) = history(&words) {
            // It is only convenience.
            let _ = editor.add_history_entry(kept);
        }
        let command = match parse(&words) {
            Ok(command) => command,
            Err(error) => {
                // Nobody may listen.
                let _ = error.print();
                continue;
            }
        };
        let (options, word) = command.take_apart();
        if matches!(word, Word::Quit(_)) {
            return Ok(());
        }
        let before = desk.options.clone();
        desk.options = options.after(before.clone());
        let done = one(desk, word, whole).await;
        desk.options = before;
        if let Err(problem) = done.and_then(|()| desk.keep_token()) {
            desk.tell(&problem);
            if problem.ending == Ending::NotSignedIn {
                desk.close_account();
            }
        }
        desk.look_after();
        if let Some(words) = editor.helper_mut() {
            words.learn(desk).await;
        }
    }
}

/// Ctrl-C ends the command, and the shell goes on: what the engine does may be dropped at any time.
async fn one(desk: &mut Desk, word: Word, whole: &clap::Command) -> Result<(), Problem> {
    tokio::select! {
        done = Box::pin(word.run(desk, whole)) => done,
        _ = tokio::signal::ctrl_c() => {
            talk("");
            Ok(())
        }
    }
}

fn greet(desk: &Desk) -> Result<(), Problem> {
    match desk.profile.session()? {
        Some(session) => talk(format!("{} at {}.", session.username, session.server)),
        None => talk(format!("Nobody is signed in; the server is {}.", desk.server()?)),
    }
    talk("`help` lists the commands, Tab completes them, `quit` leaves.");
    Ok(())
}

fn parse(words: &[String]) -> Result<Command, clap::Error> {
    let mut line = Line::command();
    // The profile and the server are the shell's.
    line = line.mut_subcommands(|word| {
        word.mut_args(|argument| {
            let hide = ["server", "profile"].contains(&argument.get_id().as_str());
            argument.hide(hide)
        })
    });
    let matches = line.try_get_matches_from(words)?;
    Line::from_arg_matches(&matches).map(|line| line.command)
}

/// What is kept of a line: which word, and to whom; never what was written. In memory, until the shell is left.
fn history(words: &[String]) -> Option<String> {
    let kept: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .take_while(|word| {
            !word.starts_with("-m") && !word.starts_with("--message") && !word.starts_with("--invite")
        })
        .collect();
    let kept = shlex::try_join(kept).ok()?;
    (!kept.is_empty()).then_some(kept)
}

/// The words that Tab completes: commands, then names.
#[derive(Default)]
struct Words {
    names: RefCell<Vec<String>>,
}

impl Words {
    /// Learns the names once somebody is signed in.
    async fn learn(&self, desk: &mut Desk) {
        if !self.names.borrow().is_empty() {
            return;
        }
        let Some(account) = desk.open_account() else { return };
        // Without names nothing is completed, and all the rest works.
        if let Ok(page) = account.users(None, None).await {
            let names = page.users.into_iter().take(MOST_NAMES).map(|user| user.username.to_string());
            self.names.replace(names.collect());
        }
    }

    fn candidates(&self, before: &str, begun: &str) -> Vec<String> {
        let begins = |word: &String| word.starts_with(begun);
        if before.trim().is_empty() {
            let line = Line::command();
            let commands = line.get_subcommands().map(|command| command.get_name().to_owned());
            return commands.chain(["help".to_owned()]).filter(begins).collect();
        }
        let line = Line::command();
        let command = before.split_whitespace().next().and_then(|word| line.find_subcommand(word));
        let inner = command.into_iter().flat_map(|command| command.get_subcommands());
        let mut found: Vec<String> = inner.map(|inner| inner.get_name().to_owned()).filter(begins).collect();
        if begun.starts_with('-') {
            let flags = command.into_iter().flat_map(|command| command.get_arguments());
            let flags = flags.filter_map(|flag| Some(format!("--{}", flag.get_long()?)));
            found.extend(flags.filter(begins));
        } else if found.is_empty() {
            found.extend(self.names.borrow().iter().filter(|name| begins(name)).cloned());
        }
        found
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(&self, line: &str, place: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let line = &line[..place];
        let begin = line.rfind(' ').map_or(0, |space| space + 1);
        let (before, begun) = line.split_at(begin);
        let candidates = self.candidates(before, begun).into_iter().map(|word| format!("{word} "));
        Ok((begin, candidates.collect()))
    }
}

impl Hinter for Words {
    type Hint = String;
}
impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        shlex::split(line).unwrap()
    }

    #[test]
    fn the_history_knows_words_and_people_and_nothing_that_was_written() {
        assert_eq!(history(&words("send bob --message 'the code is 1234'")).unwrap(), "send bob");
        assert_eq!(history(&words("send bob --message=secret")).unwrap(), "send bob");
        assert_eq!(history(&words("send bob -msecret")).unwrap(), "send bob");
        assert_eq!(history(&words("register al --invite https://x/#invite=y")).unwrap(), "register al");
        assert_eq!(history(&words("inbox --limit 3")).unwrap(), "inbox --limit 3");
    }

    #[test]
    fn commands_flags_and_names_are_completed() {
        let known = Words { names: RefCell::new(vec!["bob".into(), "bobby".into(), "carol".into()]) };
        assert_eq!(known.candidates("", "se"), ["send", "sessions"]);
        assert_eq!(known.candidates("send ", "bo"), ["bob", "bobby"]);
        assert_eq!(known.candidates("totp ", "d"), ["disable"]);
        assert_eq!(known.candidates("inbox ", "--li"), ["--limit"]);
    }

    #[test]
    fn the_words_of_the_command_line_are_the_words_of_the_shell() {
        assert!(matches!(parse(&words("inbox --limit 5")), Ok(Command::Inbox(_))));
        assert!(matches!(parse(&words("quit")), Ok(Command::Quit(_))));
        let error = parse(&words("inbx")).err().unwrap().to_string();
        assert!(error.contains("inbox"), "{error}");
    }
}

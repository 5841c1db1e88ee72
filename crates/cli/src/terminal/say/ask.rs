//! What a person is asked: at the terminal itself, wherever input and output of the command lead.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use rustyline::{Behavior, Config, Editor, error::ReadlineError, history::MemHistory};
use zeroize::Zeroizing;

use crate::terminal::ending::{Ending, Problem};

const TERMINAL: &str = "/dev/tty";

/// How all lines are edited: at the terminal, and nothing is kept unless it is said.
pub(in crate::terminal) fn editing() -> Config {
    Config::builder().behavior(Behavior::PreferTerm).auto_add_history(false).bracketed_paste(false).build()
}

/// Asks for something that may be seen. `missing` says what to give where nobody can be asked.
pub(in crate::terminal) fn line(prompt: &str, may_ask: bool, missing: &str) -> Result<String, Problem> {
    if !may_ask || terminal().is_err() {
        return Err(Problem::usage(missing));
    }
    let mut editor: Editor<(), MemHistory> =
        Editor::with_history(editing(), MemHistory::new()).map_err(|error| unreadable(&error))?;
    match editor.readline(prompt) {
        Ok(line) => Ok(line),
        Err(ReadlineError::Interrupted | ReadlineError::Eof) => Err(cancelled()),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Asks for something that nobody may see.
pub(in crate::terminal) fn secret(
    prompt: &str,
    may_ask: bool,
    missing: &str,
) -> Result<Zeroizing<String>, Problem> {
    let terminal = if may_ask { terminal() } else { Err(io::ErrorKind::Unsupported.into()) };
    let Ok(terminal) = terminal else { return Err(Problem::usage(missing)) };
    let typed = Hidden::begin(&terminal).and_then(|hidden| hidden.read(prompt));
    match typed {
        Ok(Some(typed)) => Ok(typed),
        Ok(None) => Err(cancelled()),
        Err(error) => Err(Problem::failed(format!("The terminal cannot be read: {error}"))),
    }
}

/// Asks whether to go on. Only a `y` means yes.
pub(in crate::terminal) fn yes(question: &str, may_ask: bool, missing: &str) -> Result<bool, Problem> {
    let answer = line(&format!("{question} [y/N] "), may_ask, missing)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn terminal() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(TERMINAL)
}

fn cancelled() -> Problem {
    Problem::new(Ending::Failed, "Cancelled: nothing was done")
}

fn unreadable(error: &ReadlineError) -> Problem {
    Problem::failed(format!("The terminal cannot be read: {error}"))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        // Signals are off too: a command that ended here would leave the terminal hidden.
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }

    /// `None`: the person gave up.
    fn read(self, prompt: &str) -> io::Result<Option<Zeroizing<String>>> {
        let mut terminal = self.terminal;
        terminal.write_all(prompt.as_bytes())?;
        let mut keys = Zeroizing::new([0; 1]);
        let mut typed = Typed::default();
        let result = loop {
            if terminal.read(&mut *keys)? == 0 {
                break None;
            }
            match typed.key(keys[0]) {
                Key::More => {}
                Key::Done => break Some(typed.text()?),
                Key::GaveUp => break None,
            }
        };
        terminal.write_all(b"\n")?;
        Ok(result)
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing any more.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}

/// What was typed so far. Its room is taken at once: growing would leave copies behind.
struct Typed(Zeroizing<Vec<u8>>);

enum Key {
    More,
    Done,
    GaveUp,
}

/// Longer than any password, token or recovery key.
const MOST_BYTES: usize = 4096;

impl Default for Typed {
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(MOST_BYTES)))
    }
}

impl Typed {
    fn key(&mut self, byte: u8) -> Key {
        let typed = &mut self.0;
        match byte {
            b'\n' | b'\r' => return Key::Done,
            // Ctrl-C, and Ctrl-D on an empty line.
            3 => return Key::GaveUp,
            4 if typed.is_empty() => return Key::GaveUp,
            // A character may have several bytes.
            8 | 127 => while typed.pop().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {},
            // Ctrl-U.
            21 => typed.clear(),
            _ if typed.len() < MOST_BYTES => typed.push(byte),
            _ => {}
        }
        Key::More
    }

    fn text(&self) -> io::Result<Zeroizing<String>> {
        let text = str::from_utf8(&self.0).map_err(|_| io::Error::other("this is no text"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &str) -> Option<String> {
        let mut typed = Typed::default();
        for byte in keys.bytes() {
            match typed.key(byte) {
                Key::More => {}
                Key::Done => return Some(typed.text().unwrap().to_string()),
                Key::GaveUp => return None,
            }
        }
        panic!("not done");
    }

    #[test]
    fn hidden_typing_can_be_mended_and_given_up() {
        assert_eq!(typed("geheim\n").unwrap(), "geheim");
        assert_eq!(typed("gehö\u{7f}eim\r").unwrap(), "geheim");
        assert_eq!(typed("falsch\u{15}recht\n").unwrap(), "recht");
        assert_eq!(typed("\u{7f}\u{7f}x\n").unwrap(), "x");
        assert_eq!(typed("geh\u{3}"), None);
        assert_eq!(typed("\u{4}"), None);
    }
}

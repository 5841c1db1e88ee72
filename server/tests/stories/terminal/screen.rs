//! A pseudo-terminal with the command in it.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use expectrl::{Eof, Expect, process::unix::WaitStatus, session::OsSession};

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Screen {
    session: OsSession,
    seen: Vec<u8>,
}

impl Screen {
    pub(super) fn of(mut command: Command) -> Self {
        command.stdin(Stdio::inherit());
        let mut session = OsSession::spawn(command).unwrap();
        session.set_expect_timeout(Some(PATIENCE));
        Self { session, seen: Vec::new() }
    }

    /// Waits until it shows this.
    pub(super) fn shows(&mut self, text: &str) -> &mut Self {
        match self.session.expect(text) {
            Ok(found) => {
                self.seen.extend_from_slice(found.before());
                self.seen.extend(found.matches().flatten());
            }
            Err(error) => panic!("{text:?} is not shown: {error}; there was {:?}", self.text()),
        }
        self
    }

    /// A person types this, and Enter.
    pub(super) fn typed(&mut self, line: &str) -> &mut Self {
        self.session.send(format!("{line}\r")).unwrap();
        self
    }

    pub(super) fn keys(&mut self, keys: &str) -> &mut Self {
        self.session.send(keys).unwrap();
        self
    }

    /// Waits for the end: everything that was shown, and the exit code.
    pub(super) fn ends(mut self) -> (String, i32) {
        let rest = self.session.expect(Eof).unwrap();
        self.seen.extend(rest.matches().flatten());
        let WaitStatus::Exited(_, code) = self.session.get_process().wait().unwrap() else {
            panic!("it did not exit");
        };
        (self.text(), code)
    }

    /// What a person sees: without the movements of the cursor.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.seen);
        let mut seen = String::new();
        let mut characters = text.chars();
        while let Some(c) = characters.next() {
            match c {
                '\r' => {}
                '\u{1b}' => {
                    let is_sequence = characters.next() == Some('[');
                    assert!(is_sequence, "only the line editor moves the cursor: {text:?}");
                    // A sequence ends with a letter.
                    characters.by_ref().find(char::is_ascii_alphabetic);
                }
                c => seen.push(c),
            }
        }
        seen
    }
}

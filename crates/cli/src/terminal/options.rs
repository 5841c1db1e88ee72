//! What holds for every command.

use std::{env, fs, io::Read, path::PathBuf};

use clap::Args;
use protocol::second_factor::SecondFactorCode;
use zeroize::Zeroizing;

use super::{
    ending::Problem,
    profile::ProfileName,
    say::{Shown, ask},
};
use crate::device::ServerAddress;

const SERVER: &str = "SECURE_MESSAGING_SERVER";
const PROFILE: &str = "SECURE_MESSAGING_PROFILE";

/// What holds for every command of the terminal.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Which server [env: SECURE_MESSAGING_SERVER] [default: the profile's, else http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    server: Option<ServerAddress>,
    /// Which of several accounts on this machine [env: SECURE_MESSAGING_PROFILE] [default: default]
    #[arg(long, value_name = "NAME")]
    profile: Option<ProfileName>,
    /// Print data as JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
    /// Never ask: fail where something is missing
    #[arg(long)]
    pub(super) no_input: bool,
    /// Read the password from the first line of standard input, and a code of the authenticator from the second
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from the first line of a file, and a code of the authenticator from the second
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A password, and perhaps a code, that were given and not typed.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) password: Zeroizing<String>,
    pub(super) code: Option<Zeroizing<String>>,
}

impl Options {
    pub(super) const NAMES: [&str; 6] =
        ["server", "profile", "json", "no_input", "password_stdin", "password_file"];

    /// These, and what was said before the command's name where they say nothing.
    #[must_use]
    pub fn after(self, before: Self) -> Self {
        Self {
            server: self.server.or(before.server),
            profile: self.profile.or(before.profile),
            json: self.json || before.json,
            no_input: self.no_input || before.no_input,
            password_stdin: self.password_stdin || before.password_stdin,
            password_file: self.password_file.or(before.password_file),
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        let Self { server, profile, json, no_input, password_stdin, password_file } = self;
        server.is_none()
            && profile.is_none()
            && !(*json || *no_input || *password_stdin)
            && password_file.is_none()
    }

    /// The server that was named.
    pub(super) fn named_server(&self) -> Result<Option<ServerAddress>, Problem> {
        match (&self.server, from_environment(SERVER)?) {
            (Some(server), _) => Ok(Some(server.clone())),
            (None, Some(text)) => text.parse().map(Some).map_err(|refused| refused_in(SERVER, &refused)),
            (None, None) => Ok(None),
        }
    }

    /// The profile that was named, or the usual one.
    pub(super) fn profile(&self) -> Result<ProfileName, Problem> {
        match (&self.profile, from_environment(PROFILE)?) {
            (Some(profile), _) => Ok(profile.clone()),
            (None, Some(text)) => text.parse().map_err(|refused| refused_in(PROFILE, &refused)),
            (None, None) => Ok(ProfileName::default()),
        }
    }

    /// Whether standard input holds the password: then it holds no message.
    pub(super) fn takes_standard_input(&self) -> bool {
        self.password_stdin
    }

    /// Whether a password is given: nobody is asked for it.
    pub(super) fn gives_password(&self) -> bool {
        self.password_stdin || self.password_file.is_some()
    }

    /// What was given instead of being typed.
    pub(super) fn given(&self) -> Result<Option<Given>, Problem> {
        let mut text = Zeroizing::new(String::new());
        match &self.password_file {
            Some(path) => {
                let unreadable =
                    |error| Problem::usage(format!("{} cannot be read: {error}", path.display()));
                *text = fs::read_to_string(path).map_err(unreadable)?;
            }
            None if self.password_stdin => {
                let read = std::io::stdin().lock().read_to_string(&mut text);
                read.map_err(|error| Problem::usage(format!("Standard input cannot be read: {error}")))?;
            }
            None => return Ok(None),
        }
        let mut lines = text.lines().map(|line| Zeroizing::new(line.to_owned()));
        let password = lines.next().filter(|line| !line.is_empty());
        let password = password.ok_or_else(|| Problem::usage("The password that was given is empty"))?;
        Ok(Some(Given { password, code: lines.next().filter(|line| !line.trim().is_empty()) }))
    }

    /// Whether a person may be asked.
    pub(super) fn may_ask(&self) -> bool {
        !self.no_input
    }

    /// Asks for something that may be seen, where it was not given.
    pub(super) fn line(&self, given: Option<String>, prompt: &str, what: &str) -> Result<String, Problem> {
        match given {
            Some(given) => Ok(given),
            None => ask::line(
                prompt,
                self.may_ask(),
                &format!("{what} is missing, and nobody can be asked for it"),
            ),
        }
    }

    /// Asks for something that nobody may see.
    pub(super) fn secret(&self, prompt: &str, what: &str) -> Result<Zeroizing<String>, Problem> {
        let missing = format!("{what} is missing, and nobody can be asked for it");
        ask::secret(prompt, self.may_ask(), &missing)
    }

    /// Asks for a code of the authenticator.
    pub(super) fn code(&self, prompt: &str) -> Result<SecondFactorCode, Problem> {
        let missing = "A code of the authenticator is missing: give it as the second line after the password";
        Ok(ask::line(prompt, self.may_ask(), missing)?.parse()?)
    }
}

fn from_environment(name: &str) -> Result<Option<String>, Problem> {
    match env::var(name) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Problem::usage(format!("{name} is no text"))),
    }
}

fn refused_in(name: &str, refused: &impl ToString) -> Problem {
    Problem::usage(format!("{name}: {}", Shown::line(&refused.to_string())))
}

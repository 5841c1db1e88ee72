//! What can be asked for on the command line.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, error::ErrorKind};
use cli::terminal;

use crate::{
    admin,
    admin::AdminCommand,
    config::Settings,
    gateway::{self, GatewaySettings},
    serve,
};

/// Shown first in `--help`.
const EXAMPLES: &str = "\
Examples:
  secure-messaging serve
      Serve at http://127.0.0.1:8080, with everything kept in the folder `data`
  secure-messaging register
      Make an account on that server, from the terminal
  secure-messaging login
      Begin a session
  secure-messaging send bob --message 'Hello Bob!'
      Send a message; without recipient and text it asks for them
  secure-messaging inbox
      Read what was received
  secure-messaging
      All of it in an interactive shell";

/// Shown first in `serve --help`.
const SERVE_EXAMPLES: &str = "\
Examples:
  secure-messaging serve
      Serve at http://127.0.0.1:8080, with everything kept in the folder `data`
  secure-messaging serve --data-dir /var/lib/secure-messaging --base-url https://chat.example.org
      The same behind a proxy that speaks TLS for chat.example.org
  SECURE_MESSAGING_LISTEN=127.0.0.1:9000 secure-messaging serve --config settings.toml
      Settings from the environment and from a file
  secure-messaging admin invite create --config settings.toml
      A link with which one person can make an account";

/// Messages between people, end-to-end encrypted, on your own server.
#[derive(Parser)]
#[command(name = "secure-messaging", version, before_help = EXAMPLES, disable_help_subcommand = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: terminal::Options,
}

/// What to do; without a word, the interactive shell.
#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop (Ctrl-C or SIGTERM)
    #[command(before_help = SERVE_EXAMPLES)]
    Serve(Box<Settings>),
    /// Serve the REST API for programs on your own machine, for accounts on a server anywhere
    #[command(before_help = gateway::EXAMPLES)]
    Gateway(Box<GatewaySettings>),
    /// Help the people of a server. Give the settings that it serves with; it may go on serving meanwhile
    #[command(subcommand)]
    Admin(Box<AdminCommand>),
    #[command(flatten)]
    Terminal(Box<terminal::Command>),
}

/// Reads the command line and does what it asks for; ends the process with help or an explanation when that is it.
pub(crate) fn run() -> ExitCode {
    let CommandLine { command, options } = CommandLine::parse();
    match command {
        Some(Command::Serve(settings)) => {
            without(&options);
            serve::serve(*settings)
        }
        Some(Command::Gateway(settings)) => {
            without(&options);
            gateway::run(*settings)
        }
        Some(Command::Admin(command)) => {
            without(&options);
            admin::run(*command)
        }
        Some(Command::Terminal(command)) => terminal::run(*command, options, CommandLine::command()),
        // `cargo leptos watch` starts the binary without a word; the environment may still hold settings.
        None if std::env::var_os("LEPTOS_WATCH").is_some() => {
            let CommandLine { command, .. } = CommandLine::parse_from(["secure-messaging", "serve"]);
            let Some(Command::Serve(settings)) = command else { unreachable!("the word is there") };
            serve::serve(*settings)
        }
        None => terminal::shell(options, CommandLine::command()),
    }
}

/// What holds for the terminal's commands means nothing to a server.
fn without(options: &terminal::Options) {
    if !options.is_empty() {
        let text = "--server, --profile and the like go with the terminal's commands, not with a server's";
        CommandLine::command().error(ErrorKind::ArgumentConflict, text).exit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        CommandLine::command().debug_assert();
    }
}

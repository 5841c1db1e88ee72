//! What can be asked for on the command line.

use clap::{Parser, Subcommand};

use crate::{
    admin::AdminCommand,
    config::Settings,
    gateway::{self, GatewaySettings},
};

/// Shown first in `--help`.
const EXAMPLES: &str = "\
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
}

/// What to do; without a word, to serve.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Serve until told to stop (Ctrl-C or SIGTERM).
    #[command(before_help = EXAMPLES)]
    Serve(Box<Settings>),
    /// Serve the REST API for programs on your own machine, for accounts on a server anywhere.
    #[command(before_help = gateway::EXAMPLES)]
    Gateway(Box<GatewaySettings>),
    /// Help the people of a server. Give the settings that it serves with; it may go on serving meanwhile.
    #[command(subcommand)]
    Admin(Box<AdminCommand>),
}

/// Reads the command line; ends the process with help or an explanation when that is what it asks for.
pub(crate) fn parse() -> Command {
    CommandLine::parse().command.unwrap_or_else(|| {
        // `cargo leptos watch` starts the binary without a word; the environment may still hold settings.
        let CommandLine { command } = CommandLine::parse_from(["secure-messaging", "serve"]);
        command.expect("the word is there")
    })
}

//! Commands for the operator. They work while the server serves, on the same data folder.
//!
//! | file | command |
//! | --- | --- |
//! | [`reset_link`] | `admin reset-link USER` |
//! | [`remove_2fa`] | `admin remove-2fa USER` |
//! | [`invite_create`], [`invite_list`], [`invite_revoke`] | `admin invite create`, `list`, `revoke NUMBER` |
//! | [`mail_test`] | `admin mail-test ADDRESS` |
//!
//! What a command gives goes to standard output, and only there; what it has to say goes to standard error. A command
//! ends with 0 when it did what it was asked for, with 1 when it could not, and with 2 when it was not understood.

mod invite_create;
mod invite_list;
mod invite_revoke;
mod mail_test;
mod remove_2fa;
mod reset_link;

use std::{fmt::Display, process::ExitCode};

use clap::{Args, Subcommand};

use crate::{
    assemble::{Assembled, assemble_beside},
    config::{BaseUrl, Config, Settings},
    logging,
};

/// What an operator can ask for.
#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Print a link with which a person sets a new password. It is good for an hour, once.
    ResetLink(With<reset_link::ResetLink>),
    /// Switch off two-factor authentication for somebody who lost authenticator and recovery codes.
    #[command(name = "remove-2fa")]
    Remove2fa(With<remove_2fa::Remove2fa>),
    /// Invitations to make an account.
    #[command(subcommand)]
    Invite(InviteCommand),
    /// Send one mail with the configured mail server, and say what happened.
    MailTest(With<mail_test::MailTest>),
}

/// What can be done with invitations.
#[derive(Subcommand)]
pub(crate) enum InviteCommand {
    /// Make an invitation and print its link, once.
    Create(With<invite_create::InviteCreate>),
    /// List all invitations: number, accounts that may still be made, end. The links are not known any more.
    List(With<invite_list::InviteList>),
    /// Make an invitation worthless.
    Revoke(With<invite_revoke::InviteRevoke>),
}

/// A command with the settings of the server.
#[derive(Args)]
#[command(mut_args(only_what_matters))]
pub(crate) struct With<C: Args> {
    #[command(flatten)]
    command: C,
    #[command(flatten)]
    settings: Settings,
}

/// Where the commands work.
struct Desk {
    assembled: Assembled,
    base_url: BaseUrl,
}

impl Desk {
    /// A link to the wrong address is dead in the hands of whoever gets it.
    fn tell_where_links_lead(&self) {
        eprintln!(
            "The link leads to {}: if people reach the server under another address, name it with --base-url.",
            self.base_url
        );
    }
}

/// Does what is asked for.
pub(crate) fn run(command: AdminCommand) -> ExitCode {
    let done = match command {
        AdminCommand::ResetLink(With { command, settings }) => {
            at_desk(settings, async |desk| command.run(desk).await)
        }
        AdminCommand::Remove2fa(With { command, settings }) => {
            at_desk(settings, async |desk| command.run(desk).await)
        }
        AdminCommand::Invite(InviteCommand::Create(With { command, settings })) => {
            at_desk(settings, async |desk| command.run(desk).await)
        }
        AdminCommand::Invite(InviteCommand::List(With { command, settings })) => {
            at_desk(settings, async |desk| command.run(desk).await)
        }
        AdminCommand::Invite(InviteCommand::Revoke(With { command, settings })) => {
            at_desk(settings, async |desk| command.run(desk).await)
        }
        AdminCommand::MailTest(With { command, settings }) => {
            with_config(settings, async |config| command.run(config).await)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// On the server's data.
fn at_desk(settings: Settings, work: impl AsyncFnOnce(&Desk) -> Result<(), String>) -> Result<(), String> {
    with_config(settings, async |config| {
        let Config { http, data, accounts, mail, log: _ } = config;
        let assembled = assemble_beside(&data, &accounts, mail.is_some()).await.map_err(text)?;
        let desk = Desk { assembled, base_url: http.base_url };
        let done = work(&desk).await;
        desk.assembled.close().await;
        done
    })
}

fn with_config(
    settings: Settings,
    work: impl AsyncFnOnce(Config) -> Result<(), String>,
) -> Result<(), String> {
    let config = settings.quiet().settle().map_err(text)?;
    logging::begin(&config.log).map_err(|problem| format!("the log filter is not valid: {problem}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(text)?;
    runtime.block_on(work(config))
}

/// All settings are taken, so that the server's own environment and file can be given; help shows those that matter.
fn only_what_matters(argument: clap::Arg) -> clap::Arg {
    const OF_THE_SERVER_ONLY: [&str; 11] = [
        "listen",
        "header_timeout_s",
        "body_timeout_s",
        "max_connections",
        "max_connections_per_address",
        "trusted_proxies",
        "site_dir",
        "registration",
        "bcrypt_cost",
        "format",
        "filter",
    ];
    let hide = OF_THE_SERVER_ONLY.contains(&argument.get_id().as_str());
    argument.hide(hide)
}

fn text(problem: impl Display) -> String {
    problem.to_string()
}

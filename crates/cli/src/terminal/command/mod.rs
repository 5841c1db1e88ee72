//! What can be asked for, one file each.

use clap::{Args, Subcommand};

use super::{Options, desk::Desk, ending::Problem};

mod completions;
mod delete;
mod doctor;
mod export;
mod forgot;
mod inbox;
mod login;
mod logout;
mod man;
mod password;
mod register;
mod repairs;
mod reset;
mod send;
mod sessions;
mod timer;
mod totp;
mod users;
mod verify;
mod watch;
mod whoami;

/// A word, with what holds for every word.
#[derive(Args, Debug)]
#[command(mut_args(anywhere))]
pub struct With<W: Args> {
    #[command(flatten)]
    word: W,
    #[command(flatten)]
    options: Options,
}

/// What holds for every word stands behind a second word too: `totp disable --no-input`.
fn anywhere(argument: clap::Arg) -> clap::Arg {
    let is_option = Options::NAMES.contains(&argument.get_id().as_str());
    if is_option { argument.global(true) } else { argument }
}

/// A word that takes nothing.
#[derive(Args, Debug)]
pub struct Nothing {}

macro_rules! words {
    ($($(#[$meta:meta])* $word:ident($what:ty),)*) => {
        /// What can be asked for in a terminal.
        #[derive(Subcommand, Debug)]
        pub enum Command {
            $($(#[$meta])* $word(With<$what>),)*
        }

        /// The same, without what holds for every word.
        #[derive(Debug)]
        pub(super) enum Word {
            $($word($what),)*
        }

        impl Command {
            pub(super) fn take_apart(self) -> (Options, Word) {
                match self {
                    $(Self::$word(With { word, options }) => (options, Word::$word(word)),)*
                }
            }
        }
    };
}

words! {
    /// Make an account
    #[command(before_help = register::EXAMPLES)]
    Register(register::Register),
    /// Begin a session, which the following commands go on with
    #[command(before_help = login::EXAMPLES)]
    Login(login::Login),
    /// Send a message to one person or to several
    #[command(before_help = send::EXAMPLES)]
    Send(send::Send),
    /// Show the messages that were received
    #[command(before_help = inbox::EXAMPLES)]
    Inbox(inbox::Inbox),
    /// Follow new messages as they come
    #[command(before_help = watch::EXAMPLES)]
    Watch(watch::Watch),
    /// Delete a message, for yourself or for everyone
    #[command(before_help = delete::EXAMPLES)]
    Delete(delete::Delete),
    /// Have messages of a conversation disappear by themselves
    #[command(before_help = timer::EXAMPLES)]
    Timer(timer::Timer),
    /// List who has an account
    #[command(before_help = users::EXAMPLES)]
    Users(users::Users),
    /// Compare safety numbers, and accept a key that has changed
    #[command(before_help = verify::EXAMPLES)]
    Verify(verify::Verify),
    /// Say who is signed in
    Whoami(Nothing),
    /// List your sessions, and end them
    #[command(before_help = sessions::EXAMPLES)]
    Sessions(sessions::Sessions),
    /// Two-factor authentication with an authenticator
    #[command(before_help = totp::EXAMPLES)]
    Totp(totp::Totp),
    /// Change your password
    Password(Nothing),
    /// Have a mail sent that lets you set a new password
    #[command(before_help = forgot::EXAMPLES)]
    Forgot(forgot::Forgot),
    /// Set a new password with the link of such a mail
    Reset(Nothing),
    /// Save everything that you wrote and received in a file
    #[command(before_help = export::EXAMPLES)]
    Export(export::Export),
    /// End the session, and remove everything of the account from this machine
    #[command(before_help = logout::EXAMPLES)]
    Logout(logout::Logout),
    /// See whether everything is as it should be
    Doctor(Nothing),
    /// Show what this program found at odds and mended by itself
    #[command(before_help = repairs::EXAMPLES)]
    Repairs(Nothing),
    /// Print completions for a shell
    #[command(before_help = completions::EXAMPLES)]
    Completions(completions::Completions),
    /// Print the manual page
    #[command(before_help = man::EXAMPLES)]
    Man(Nothing),
    /// Leave the interactive shell
    Quit(Nothing),
}

impl Word {
    pub(super) async fn run(self, desk: &mut Desk, whole: &clap::Command) -> Result<(), Problem> {
        match self {
            Self::Register(word) => word.run(desk).await,
            Self::Login(word) => word.run(desk).await,
            Self::Send(word) => word.run(desk).await,
            Self::Inbox(word) => word.run(desk).await,
            Self::Watch(word) => word.run(desk).await,
            Self::Delete(word) => word.run(desk).await,
            Self::Timer(word) => word.run(desk).await,
            Self::Users(word) => word.run(desk).await,
            Self::Verify(word) => word.run(desk).await,
            Self::Whoami(Nothing {}) => whoami::run(desk).await,
            Self::Sessions(word) => word.run(desk).await,
            Self::Totp(word) => word.run(desk).await,
            Self::Password(Nothing {}) => password::run(desk).await,
            Self::Forgot(word) => word.run(desk).await,
            Self::Reset(Nothing {}) => reset::run(desk).await,
            Self::Export(word) => word.run(desk).await,
            Self::Logout(word) => word.run(desk).await,
            Self::Doctor(Nothing {}) => doctor::run(desk).await,
            Self::Repairs(Nothing {}) => repairs::run(desk).await,
            Self::Completions(word) => word.run(whole),
            Self::Man(Nothing {}) => man::run(whole),
            Self::Quit(Nothing {}) => Ok(()),
        }
    }
}

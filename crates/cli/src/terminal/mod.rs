//! The command line: the engine in a terminal.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`command`] | what can be asked for, one file each |
//! | [`options`] | what holds for every command |
//! | [`desk`] | where a command works: its profile, its machine, its account |
//! | [`profile`] | what one account keeps on this machine, and the keyring |
//! | [`say`] | what is said and asked, and how text from outside is shown |
//! | [`shell`] | the same words, one after the other |
//! | [`ending`] | exit codes, and which error ends with which |
//!
//! Data goes to standard output, talk to standard error. No secret is a flag or stands in the environment.

mod command;
mod desk;
mod ending;
mod options;
mod profile;
mod say;
mod shell;

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

pub use command::Command;
pub use ending::Ending;
pub use options::Options;

use desk::Desk;
use ending::Problem;
use say::talk;
use tokio::runtime::Builder;

/// Does one command. `whole` is the command line of the binary, for completions and the manual.
pub fn run(command: Command, before: Options, whole: clap::Command) -> ExitCode {
    in_time(Builder::new_current_thread(), async {
        let (options, word) = command.take_apart();
        let mut desk = Desk::new(options.after(before)).inspect_err(tell_plainly)?;
        let done = word.run(&mut desk, &whole).await;
        if done.is_ok() {
            desk.maintain().await;
        }
        finish(desk, done).await
    })
}

/// The interactive shell; without a terminal a hint of what else there is.
pub fn shell(options: Options, whole: clap::Command) -> ExitCode {
    if !io::stdin().is_terminal() {
        talk("Say what to do: `secure-messaging --help` lists the commands.");
        talk("Without a command, in a terminal, this is the interactive shell.");
        return Ending::Usage.into();
    }
    // While a person types, this thread waits for them: what goes on in the background has another one.
    let mut threads = Builder::new_multi_thread();
    threads.worker_threads(1);
    in_time(threads, async {
        let mut desk = Desk::new(options).inspect_err(tell_plainly)?;
        let done = shell::run(&mut desk, &whole).await;
        finish(desk, done).await
    })
}

fn in_time(mut runtime: Builder, work: impl Future<Output = Result<(), Problem>>) -> ExitCode {
    let ending = match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(work).err().map_or(Ending::Done, |problem| problem.ending),
        Err(error) => {
            talk(format!("error: {error}"));
            Ending::Failed
        }
    };
    ending.into()
}

async fn finish(desk: Desk, done: Result<(), Problem>) -> Result<(), Problem> {
    if let Err(problem) = &done {
        desk.tell(problem);
    }
    let closed = desk.close().await;
    if let (Ok(()), Err(problem)) = (&done, &closed) {
        tell_plainly(problem);
    }
    done.and(closed)
}

fn tell_plainly(problem: &Problem) {
    if let ending::Said::Text(text) = &problem.said {
        talk(format!("error: {}", say::Shown::block(text, "       ")));
    }
}

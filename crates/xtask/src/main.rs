//! Builds, runs and tests Secure Messaging from a bare machine: `cargo xtask run | build | test`.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`workspace`] | where the sources stand, and where built things go |
//! | [`prepare`] | what the machine lacks is fetched: the wasm32 target, npm packages, Chromium |
//! | [`site`] | the browser's half: WebAssembly, script, styles, compressed and named by their content |
//! | [`styles`] | one style sheet from many |
//! | [`server`] | the binary `secure-messaging`, with the site inside |
//! | [`test`] | everything that is tested, and an honest last line |
//! | [`progress`] | what is said meanwhile |

use std::process::ExitCode;

use anyhow::{Result, bail};

mod arguments;
mod command;
mod compress;
mod prepare;
mod progress;
mod server;
mod site;
mod styles;
mod test;
mod workspace;

use arguments::Task;
use workspace::Workspace;

fn main() -> ExitCode {
    match perform(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(arguments: Vec<String>) -> Result<()> {
    let task = match arguments::parse(&arguments) {
        Ok(task) => task,
        Err(mistake) => bail!("{mistake}\n\n{}", arguments::HELP),
    };
    match task {
        Task::Help => {
            println!("{}", arguments::HELP);
            Ok(())
        }
        Task::Build(profile) => {
            let workspace = Workspace::find()?;
            let binary = server::build(&workspace, profile)?;
            progress::say(&format!("ready: {}", binary.display()));
            Ok(())
        }
        Task::Run(profile, serve) => {
            let workspace = Workspace::find()?;
            let binary = server::build(&workspace, profile)?;
            Err(server::serve(&workspace, &binary, &serve))
        }
        Task::Test(parts) => test::run(&Workspace::find()?, &parts),
    }
}

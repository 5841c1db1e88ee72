//! The binary `secure-messaging`: the relay behind HTTP, and the web pages.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`command_line`] | what can be asked for |
//! | [`config`] | settings, one file a section |
//! | [`serve`] | serving, from the settings to the last answer |
//! | [`gateway`] | the REST gateway alone |
//! | [`admin`] | commands for the operator, one file each |
//! | [`assemble`] | which adapters stand behind the relay's ports: the only place that names them |
//! | [`data_dir`] | the folder that holds everything: its lock, its secret |
//! | [`mail`] | what is told by mail: words, queue, mail server |
//! | [`passwords`] | bcrypt beside the runtime, a few at a time |
//! | [`system`] | the machine's clock and randomness |
//! | [`site`] | the files that the browser fetches |
//! | [`http`] | connections, calls, events, pages, headers |
//! | [`logging`] | what is told about the work |
//! | [`shutdown`] | the wish to end, known everywhere |

use std::process::ExitCode;

mod admin;
mod assemble;
mod command_line;
mod config;
mod data_dir;
mod gateway;
mod http;
mod logging;
mod mail;
mod passwords;
mod serve;
mod shutdown;
mod site;
mod system;

fn main() -> ExitCode {
    command_line::run()
}

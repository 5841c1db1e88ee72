//! Other programs, and what is said when one of them fails or is missing.

use std::{
    ffi::OsStr,
    io::ErrorKind,
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};

/// A call of another program.
pub(crate) struct Tool {
    command: Command,
    program: String,
    /// What to do when the program is not there.
    remedy: &'static str,
}

impl Tool {
    /// A program; `remedy` says how to get it.
    pub(crate) fn new(program: &str, remedy: &'static str) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null());
        Self { command, program: program.to_owned(), remedy }
    }

    /// The cargo that runs this program.
    pub(crate) fn cargo(folder: &Path) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut tool = Self::new(&cargo, "install Rust from https://rustup.rs");
        tool.command.current_dir(folder);
        // What cargo told this process about this process's own package is not meant for other builds.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR")
            {
                tool.command.env_remove(name);
            }
        }
        tool
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    fn line(&self) -> String {
        let program = Path::new(&self.program).file_name().and_then(OsStr::to_str).unwrap_or(&self.program);
        let arguments = self.command.get_args().map(|argument| argument.to_string_lossy());
        std::iter::once(program.into()).chain(arguments).collect::<Vec<_>>().join(" ")
    }

    fn missing(&self, error: std::io::Error) -> anyhow::Error {
        match error.kind() {
            ErrorKind::NotFound => anyhow!("`{}` is missing: {}", self.program, self.remedy),
            _ => anyhow!("`{}` does not start: {error}", self.program),
        }
    }
}

/// Runs to the end, with the program's own words on the terminal.
pub(crate) fn run(mut tool: Tool) -> Result<()> {
    let status = tool.command.status().map_err(|error| tool.missing(error))?;
    check(&tool, status)
}

/// Goes on as the other program: signals and the end are its own. Returns only when it does not start.
pub(crate) fn become_it(mut tool: Tool) -> anyhow::Error {
    let error = tool.command.exec();
    tool.missing(error)
}

/// Runs to the end and gives what was written to standard output.
pub(crate) fn output(mut tool: Tool) -> Result<String> {
    tool.command.stderr(Stdio::inherit());
    let output = tool.command.output().map_err(|error| tool.missing(error))?;
    check(&tool, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` wrote no text", tool.line()))
}

/// Whether the program is there and says yes.
pub(crate) fn succeeds(mut tool: Tool) -> bool {
    tool.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn check(tool: &Tool, status: ExitStatus) -> Result<()> {
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => bail!("`{}` failed with status {code}", tool.line()),
        None => bail!("`{}` was ended by a signal", tool.line()),
    }
}

//! The server as a process.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::Client;

/// How long a server may take to come up, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    folder: TempDir,
    settings: Vec<String>,
    starts: u32,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        let (child, address) = launch(folder.path(), &settings, 1);
        Self { child, folder, settings, starts: 1, address }
    }

    /// A program that talks to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command of its operator, while it serves.
    pub(crate) fn admin(&self, arguments: &[&str]) -> Told {
        let output =
            binary().arg("admin").args(arguments).arg("--data-dir").arg(self.data()).output().unwrap();
        Told::of(output)
    }

    /// All that it has logged, over all starts.
    pub(crate) fn log(&self) -> String {
        (1..=self.starts)
            .map(|start| fs::read_to_string(log_file(self.folder.path(), start)).unwrap())
            .collect()
    }

    /// Ends it without a word, and starts it on the same data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.starts += 1;
        (self.child, self.address) = launch(self.folder.path(), &self.settings, self.starts);
    }

    /// Asks it to end; says how long it took and whether it was content.
    pub(crate) fn terminate(&mut self) -> (Duration, bool) {
        let start = Instant::now();
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        (start.elapsed(), status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A gateway of its own, to a server.
pub(crate) struct GatewayProcess {
    child: Child,
    folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl GatewayProcess {
    pub(crate) fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = binary();
        command.args(["gateway", "--listen", "127.0.0.1:0", "--log", "json", "--log-filter", "debug"]);
        command.args(["--server", &format!("http://{}", server.address)]);
        let (child, address) = started(command, &log_file(folder.path(), 1));
        Self { child, folder, address }
    }

    /// A program that talks to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_file(self.folder.path(), 1)).unwrap()
    }

    /// Asks it to end.
    pub(crate) fn terminate(&mut self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for GatewayProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command gave, and what it said.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Told {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// What stands behind the `#` of the one link that it gave.
    pub(crate) fn token<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, link: &str) -> T {
        assert_eq!(self.code, Some(0), "{self:?}");
        let token = self.out.strip_prefix(link).unwrap_or_else(|| panic!("{self:?}"));
        token.trim_end().parse().unwrap()
    }
}

/// The binary with these arguments, and nothing of this process's environment that it would take for settings.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secure-messaging"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            ["SECURE_MESSAGING_", "LEPTOS_", "SMTP_"].iter().any(|ours| name.starts_with(ours))
        }) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

fn launch(folder: &Path, settings: &[String], start: u32) -> (Child, SocketAddr) {
    let mut command = binary();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", "10", "--log", "json", "--data-dir"])
        .arg(folder.join("data"))
        .args(settings);
    started(command, &log_file(folder, start))
}

/// Starts what logs its address, and waits until it has.
fn started(mut command: Command, log: &Path) -> (Child, SocketAddr) {
    let mut child = command.stderr(fs::File::create(log).unwrap()).spawn().unwrap();
    let since = Instant::now();
    loop {
        let text = fs::read_to_string(log).unwrap();
        if let Some(address) = text.lines().find_map(logged_address) {
            return (child, address);
        }
        assert!(child.try_wait().unwrap().is_none(), "the server did not start: {text}");
        assert!(since.elapsed() < PATIENCE, "the server does not come up: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn logged_address(line: &str) -> Option<SocketAddr> {
    serde_json::from_str::<serde_json::Value>(line).ok()?.get("address")?.as_str()?.parse().ok()
}

fn log_file(folder: &Path, start: u32) -> std::path::PathBuf {
    folder.join(format!("log-{start}"))
}

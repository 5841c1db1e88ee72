//! Servers as processes of their own, and what the system says about them.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::param::clock_ticks_per_second;

use crate::client::Client;

/// How long a server may take to come up, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The binary as it is delivered, with its data in this folder. Only bcrypt is at its cheapest: no login is
    /// measured, and many accounts are made.
    pub(crate) fn secure_messaging(folder: &Path) -> Self {
        Self::secure_messaging_with(folder, &[])
    }

    /// The same with more settings.
    pub(crate) fn secure_messaging_with(folder: &Path, settings: &[&str]) -> Self {
        let mut command = Command::new(binary());
        for (name, _) in env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| ["SECURE_MESSAGING_", "SMTP_"].iter().any(|ours| name.starts_with(ours)))
            {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "json", "--bcrypt-cost", "10"]);
        command.arg("--data-dir").arg(folder.join("data")).args(settings);
        Self::launch(folder, command)
    }

    /// This program again, as the bare server.
    pub(crate) fn bare(folder: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg("bare").arg(folder);
        Self::launch(folder, command)
    }

    /// Its log goes to a file, as a service's does.
    fn launch(folder: &Path, mut command: Command) -> Self {
        fs::create_dir(folder).unwrap();
        let log = folder.join("log");
        command.stdin(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        let problem = "the server cannot be started: build it with `cargo xtask build`, or name it in SECURE_MESSAGING_BIN";
        let mut child = command.spawn().expect(problem);
        let since = Instant::now();
        loop {
            let text = fs::read_to_string(&log).unwrap();
            if let Some(address) = text.lines().find_map(logged_address) {
                return Self { child, address };
            }
            assert!(child.try_wait().unwrap().is_none(), "the server did not start: {text}");
            assert!(since.elapsed() < PATIENCE, "the server does not come up: {text}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// A program that talks to it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Its time on the processor so far, its own and the kernel's on its behalf.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = self.told("stat");
        // The name in brackets may hold spaces; state is the first field behind it, utime and stime the 12th and 13th.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks: u64 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
    }

    /// What it holds in memory, in KiB: all of it, and of that what no file backs.
    pub(crate) fn memory_kib(&self) -> (f64, f64) {
        let status = self.told("status");
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<f64>().unwrap()
        };
        (figure("VmRSS:"), figure("RssAnon:"))
    }

    fn told(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The named one, or the one beside this program's folder.
/// The binary that is measured.
pub(crate) fn binary() -> PathBuf {
    let beside = || env::current_exe().unwrap().ancestors().nth(2).unwrap().join("secure-messaging");
    env::var_os("SECURE_MESSAGING_BIN").map_or_else(beside, PathBuf::from)
}

fn logged_address(line: &str) -> Option<SocketAddr> {
    serde_json::from_str::<serde_json::Value>(line).ok()?.get("address")?.as_str()?.parse().ok()
}

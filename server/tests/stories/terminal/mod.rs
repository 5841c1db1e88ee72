//! The command line: the same binary, in a terminal and in scripts, against the real server.

mod accounts;
mod conversations;
mod disappearing;
mod machine;
mod screen;
mod transcript;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Server, Told, binary};

/// A password that keeps the rules, and that nothing else in these stories is made of.
pub(crate) const PASSWORD: &str = "geh im Wald 7 Mal!";

/// A machine with a home folder, on which several people have profiles.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) server: String,
}

impl Home {
    pub(crate) fn at(server: &Server) -> Self {
        Self::at_address(&format!("http://{}", server.address))
    }

    pub(crate) fn at_address(server: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("password"), PASSWORD).unwrap();
        Self { folder, server: server.to_owned() }
    }

    /// A profile with an account that is signed in.
    pub(crate) fn with(self, name: &str) -> Self {
        let told = self.says(name, &["register", name]);
        assert_eq!((told.code, told.out.as_str()), (Some(0), "User registered successfully.\n"), "{told:?}");
        let told = self.says(name, &["login", name]);
        assert_eq!(told.out, "Login successful. Session started.\n", "{told:?}");
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn profile(&self, name: &str) -> PathBuf {
        self.path("secure-messaging/profiles").join(name)
    }

    pub(crate) fn command(&self, profile: &str, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.args(arguments);
        command.env("XDG_DATA_HOME", self.folder.path());
        command.env("SECURE_MESSAGING_SERVER", &self.server);
        command.env("SECURE_MESSAGING_PROFILE", profile);
        command.env("TERM", "xterm").env("TZ", "UTC").env("NO_COLOR", "1");
        command
    }

    /// What a script gets that calls the command. It gives the password where the machine has no keyring.
    pub(crate) fn says(&self, profile: &str, arguments: &[&str]) -> Told {
        let mut command = self.command(profile, arguments);
        command.arg("--no-input").arg("--password-file").arg(self.path("password"));
        Told::of(command.output().unwrap())
    }

    /// The same, with something on standard input.
    pub(crate) fn says_to(&self, profile: &str, arguments: &[&str], input: &str) -> Told {
        let mut command = self.command(profile, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Told::of(child.wait_with_output().unwrap())
    }

    /// The lines of JSON that it gives.
    pub(crate) fn lines(&self, profile: &str, arguments: &[&str]) -> Vec<Value> {
        let told = self.says(profile, &[arguments, &["--json"]].concat());
        assert_eq!(told.code, Some(0), "{told:?}");
        told.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// No key stays behind in the keyring of whoever runs the stories.
impl Drop for Home {
    fn drop(&mut self) {
        for profile in fs::read_dir(self.path("secure-messaging/profiles")).into_iter().flatten().flatten() {
            if profile.path().join("session").exists() {
                let name = profile.file_name();
                // A story that damaged its profile has no session to end.
                let _ = self.command(name.to_str().unwrap(), &["logout", "--force", "--no-input"]).output();
            }
        }
    }
}

/// All bytes of all files below a folder.
pub(crate) fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(path).unwrap() });
    }
    bytes
}

pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

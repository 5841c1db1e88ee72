//! What one account keeps on this machine.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `records.sqlite` | what the engine keeps: every value sealed under the account's key |
//! | `session` | who is signed in where; token and account key sealed ([`session`]) |
//! | `server` | the server of the last account, so that it need not be named again |
//! | `lock` | held while `session` is changed |
//!
//! The folder is its owner's alone (0700), and so are the files (0600).

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
};

pub(super) mod keyring;
pub(super) mod session;

use super::ending::Problem;
use crate::device::ServerAddress;
pub(super) use session::Session;

const LONGEST_NAME: usize = 64;

/// The name of a profile, which is also the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProfileName(String);

/// It names no folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a profile is called by up to 64 letters, digits and . _ - and does not begin with a dot")]
pub(super) struct ProfileNameRefused;

impl Default for ProfileName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameRefused;

    fn from_str(text: &str) -> Result<Self, ProfileNameRefused> {
        let fits = (1..=LONGEST_NAME).contains(&text.len())
            && !text.starts_with('.')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(ProfileNameRefused) }
    }
}

/// The folder of a profile.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) name: String,
    folder: PathBuf,
}

impl Profile {
    /// Where it is, whether it is there or not.
    pub(super) fn named(name: &ProfileName) -> Result<Self, Problem> {
        let data = env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let data = data.or_else(|| Some(env::home_dir()?.join(".local/share")));
        let data =
            data.ok_or_else(|| Problem::failed("There is no home folder: name one with XDG_DATA_HOME"))?;
        let folder = data.join("secure-messaging/profiles").join(&name.0);
        Ok(Self { name: name.0.clone(), folder })
    }

    /// In a folder of a test.
    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { name: "test".to_owned(), folder: folder.join("profile") }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, if it is missing, and takes care that nobody else reads it.
    pub(super) fn prepare(&self) -> Result<(), Problem> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        let made = made.and_then(|()| fs::set_permissions(&self.folder, Permissions::from_mode(0o700)));
        made.map_err(|error| self.unusable(&error))
    }

    pub(super) fn records(&self) -> PathBuf {
        self.folder.join("records.sqlite")
    }

    /// The server of the last account.
    pub(super) fn remembered_server(&self) -> Result<Option<ServerAddress>, Problem> {
        let Some(text) = self.read("server")? else { return Ok(None) };
        let damaged =
            |_| Problem::failed(format!("{} is damaged: remove it", self.folder.join("server").display()));
        text.trim().parse().map(Some).map_err(damaged)
    }

    pub(super) fn remember_server(&self, server: &ServerAddress) -> Result<(), Problem> {
        self.prepare()?;
        self.replace("server", format!("{server}\n").as_bytes())
    }

    /// Whether others than its owner may look into the folder or a file of it.
    pub(super) fn is_open_to_others(&self) -> io::Result<bool> {
        let is_open = |path: &Path| Ok::<_, io::Error>(fs::metadata(path)?.permissions().mode() & 0o077 != 0);
        let mut open = is_open(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            open |= is_open(&entry?.path())?;
        }
        Ok(open)
    }

    fn read(&self, file: &str) -> Result<Option<String>, Problem> {
        let path = self.folder.join(file);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Problem::failed(format!("{} cannot be read: {error}", path.display()))),
        }
    }

    /// The whole new file or the whole old one: never half of it, not even after a crash.
    fn replace(&self, file: &str, bytes: &[u8]) -> Result<(), Problem> {
        let path = self.folder.join(file);
        let beside = self.folder.join(format!("{file}.{}", std::process::id()));
        let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| {
            // Nothing is left of what was not finished.
            let _ = fs::remove_file(&beside);
            self.unusable(&error)
        })
    }

    fn remove(&self, file: &str) -> Result<(), Problem> {
        match fs::remove_file(self.folder.join(file)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(self.unusable(&error)),
            _ => Ok(()),
        }
    }

    /// One process at a time changes the session.
    fn lock(&self) -> Result<File, Problem> {
        let path = self.folder.join("lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let locked = file.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &io::Error) -> Problem {
        Problem::failed(format!("{} cannot be written: {error}", self.folder.display()))
    }
}

/// A file for its owner alone, on disk when this returns.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_called_by_a_name_that_is_one_folder() {
        for name in ["default", "work", "a.b_c-1"] {
            assert!(name.parse::<ProfileName>().is_ok(), "{name}");
        }
        for bad in ["", ".", "..", ".x", "a/b", "ä", "a b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<ProfileName>(), Err(ProfileNameRefused), "{bad}");
        }
    }
}

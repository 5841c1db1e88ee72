//! The folder that holds everything: its lock, its secret, the database.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use relay::{ServerSecret, port::Entropy};

const SECRET_FILE: &str = "server-secret";
const LOCK_FILE: &str = "lock";
const DATABASE_FILE: &str = "secure-messaging.sqlite";
const SECRET_BYTES: usize = 32;

/// The folder, held by this process alone; or looked into while another one may hold it.
#[derive(Debug)]
pub(crate) struct DataDir {
    folder: PathBuf,
    /// Unlocks when it is dropped, or when the process dies.
    _lock: Option<File>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataDirError {
    #[error("the data folder {} cannot be used: {problem}", .folder.display())]
    Unusable { folder: PathBuf, problem: io::Error },
    #[error("another secure-messaging serves from the data folder {}: stop it, or name another folder", .folder.display())]
    InUse { folder: PathBuf },
    #[error(
        "no server has served from the data folder {} yet ({missing} is missing): name its folder with --data-dir",
        .folder.display()
    )]
    NotServed { folder: PathBuf, missing: &'static str },
    #[error(
        "{} is damaged: it must hold {SECRET_BYTES} bytes. Put it back from a backup; without it nobody can sign in",
        .file.display()
    )]
    SecretDamaged { file: PathBuf },
}

impl DataDir {
    /// Makes the folder if it is missing, for its owner only, and takes hold of it.
    pub(crate) fn open(folder: &Path) -> Result<Self, DataDirError> {
        let unusable = |problem| DataDirError::Unusable { folder: folder.to_owned(), problem };
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(unusable)?;
        let lock =
            owner_only().create(true).truncate(false).open(folder.join(LOCK_FILE)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: Some(lock) }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { folder: folder.to_owned() }),
            Err(TryLockError::Error(problem)) => Err(unusable(problem)),
        }
    }

    /// A folder in which a server has served, and may go on serving. Nothing is made.
    pub(crate) fn beside(folder: &Path) -> Result<Self, DataDirError> {
        for missing in [SECRET_FILE, DATABASE_FILE] {
            match folder.join(missing).try_exists() {
                Ok(true) => {}
                Ok(false) => return Err(DataDirError::NotServed { folder: folder.to_owned(), missing }),
                Err(problem) => return Err(DataDirError::Unusable { folder: folder.to_owned(), problem }),
            }
        }
        Ok(Self { folder: folder.to_owned(), _lock: None })
    }

    /// Where the database stands.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE_FILE)
    }

    /// The server's secret, drawn at the first start.
    pub(crate) fn secret(&self, entropy: &dyn Entropy) -> Result<ServerSecret, DataDirError> {
        match self.standing_secret() {
            Err(DataDirError::NotServed { .. }) => {
                let mut bytes = [0; SECRET_BYTES];
                entropy.fill(&mut bytes);
                self.write_whole(&self.folder.join(SECRET_FILE), &bytes)
                    .map_err(|problem| DataDirError::Unusable { folder: self.folder.clone(), problem })?;
                Ok(ServerSecret::from_bytes(&bytes))
            }
            standing => standing,
        }
    }

    /// The server's secret, which must be there.
    pub(crate) fn standing_secret(&self) -> Result<ServerSecret, DataDirError> {
        let file = self.folder.join(SECRET_FILE);
        match fs::read(&file) {
            Ok(bytes) => match bytes.as_slice().try_into() {
                Ok(bytes) => Ok(ServerSecret::from_bytes(bytes)),
                Err(_) => Err(DataDirError::SecretDamaged { file }),
            },
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                Err(DataDirError::NotServed { folder: self.folder.clone(), missing: SECRET_FILE })
            }
            Err(problem) => Err(DataDirError::Unusable { folder: self.folder.clone(), problem }),
        }
    }

    /// Writes a file that is there as a whole or not at all, even when the power fails.
    fn write_whole(&self, file: &Path, content: &[u8]) -> io::Result<()> {
        let unfinished = file.with_extension("new");
        let mut written = owner_only().create(true).truncate(true).open(&unfinished)?;
        written.write_all(content)?;
        written.sync_all()?;
        fs::rename(unfinished, file)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemEntropy;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_folder_and_its_secret_are_for_their_owner_and_the_secret_stays() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a/b");
        let data = DataDir::open(&folder).unwrap();
        data.secret(&SystemEntropy).unwrap();
        let secret = fs::read(folder.join(SECRET_FILE)).unwrap();
        data.secret(&SystemEntropy).unwrap();
        assert_eq!(fs::read(folder.join(SECRET_FILE)).unwrap(), secret);
        assert_eq!(secret.len(), SECRET_BYTES);
        assert_eq!([mode(&folder), mode(&folder.join(SECRET_FILE))], [0o700, 0o600]);
    }

    #[test]
    fn a_folder_serves_one_process_and_a_damaged_secret_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        assert!(matches!(DataDir::open(folder.path()), Err(DataDirError::InUse { .. })));
        fs::write(folder.path().join(SECRET_FILE), "short").unwrap();
        assert!(matches!(data.secret(&SystemEntropy), Err(DataDirError::SecretDamaged { .. })));
        drop(data);
        assert!(DataDir::open(folder.path()).is_ok());
    }

    #[test]
    fn beside_a_server_nothing_is_made_and_nothing_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing");
        let refused = DataDir::beside(&missing).unwrap_err();
        assert!(refused.to_string().contains("--data-dir"), "{refused}");
        assert!(!missing.exists());

        let server = DataDir::open(folder.path()).unwrap();
        server.secret(&SystemEntropy).unwrap();
        assert!(matches!(DataDir::beside(folder.path()), Err(DataDirError::NotServed { .. })), "no database");
        fs::write(server.database(), "").unwrap();
        DataDir::beside(folder.path()).unwrap().standing_secret().unwrap();
        fs::write(folder.path().join(SECRET_FILE), "short").unwrap();
        let beside = DataDir::beside(folder.path()).unwrap();
        assert!(matches!(beside.standing_secret(), Err(DataDirError::SecretDamaged { .. })));
    }
}

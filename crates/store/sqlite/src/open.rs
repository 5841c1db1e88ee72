//! The database file: made, checked, brought up to date.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use relay::port::StoreError;
use sqlx::{
    ConnectOptions, SqliteConnection,
    migrate::{Migrate, MigrateError, Migrator},
    query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tracing::info;

use crate::{SqliteStore, age::Age, error::store_error, writer::Writer};

/// The schema, step by step. A step that was released is never changed: a test holds their checksums.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../../migrations/sqlite");

/// The first SQLite without the fault that could lose a write when the log was started anew.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

/// How a database is used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Connections that read.
    pub readers: u32,
    /// How long to wait for another process that holds the lock.
    pub busy_timeout: Duration,
    /// The most that the file may grow to, in bytes; past it, writing fails as on a full disk.
    pub max_bytes: Option<u64>,
    /// What becomes of a schema that is older than this version's.
    pub older_schema: OlderSchema,
}

/// What becomes of a schema that is older than this version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderSchema {
    /// It is brought up to date.
    Update,
    /// The database is not opened: another process, perhaps an older one, may be using it.
    Refuse,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            max_bytes: None,
            older_schema: OlderSchema::Update,
        }
    }
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub enum CannotOpenStore {
    /// The folder or the file could not be made, or its rights not be set.
    #[error("{path} cannot be used: {source}. Check that the folder exists and belongs to the server's user")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Linked against an SQLite that can lose writes.
    #[error("SQLite {found} can lose writes: at least 3.51.3 is needed")]
    SqliteTooOld {
        /// Its version.
        found: String,
    },
    /// The database was used by a newer version of the server.
    #[error(
        "the database is of a newer version (it has step {step}, which this version does not know): \
         start the newer server, or restore the copy that it made before the change"
    )]
    NewerSchema {
        /// The step that is not known.
        step: i64,
    },
    /// The database is of an older version, and was not to be changed.
    #[error("the database is of an older version: start the newer server on it once, then try again")]
    OlderSchema,
    /// A step of the schema is not the one that was applied.
    #[error(
        "step {step} of the database's schema is not the one that this version knows: the build was changed"
    )]
    ForeignSchema {
        /// The step.
        step: i64,
    },
    /// The database itself.
    #[error("the database cannot be opened: {0}")]
    Store(#[from] StoreError),
}

impl SqliteStore {
    /// Opens the database file, and makes it (0600, in a folder of 0700) when there is none. Brings its schema up to
    /// date; when it holds anything, a copy named after the schema's last step is made beside it first. A copy that was put
    /// back in its place hands out none of the one-time prekeys that it holds.
    ///
    /// # Errors
    /// [`CannotOpenStore`]; the database is as it was.
    pub async fn open(path: &Path, settings: Settings) -> Result<Self, CannotOpenStore> {
        make_private_file(path)?;
        let writing = options(path, &settings);
        let mut connection = writing.connect().await.map_err(store_error)?;
        check_version(&mut connection).await?;
        migrate(&mut connection, path, settings.older_schema).await?;
        // Whoever only looks in beside another process counts nothing.
        let age = match settings.older_schema {
            OlderSchema::Update => Some(Age::begin(&mut connection, path).await?),
            OlderSchema::Refuse => None,
        };

        let reading = options(path, &settings).read_only(true);
        let readers = SqlitePoolOptions::new()
            .max_connections(settings.readers)
            .min_connections(settings.readers)
            .acquire_timeout(Duration::from_secs(10))
            // A connection to a file does not go stale.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(reading)
            .await
            .map_err(store_error)?;
        Ok(Self { readers, writer: Writer::start(connection, writing, age) })
    }
}

fn options(path: &Path, settings: &Settings) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // Every commit is flushed: what was answered survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(settings.busy_timeout)
        // What is deleted is overwritten, also in pages that nothing uses any more.
        .pragma("secure_delete", "on")
        // 16 MiB of log before it is folded into the file: fewer, longer strokes.
        .pragma("wal_autocheckpoint", "4000")
        .optimize_on_close(false, None);
    match settings.max_bytes {
        Some(bytes) => options.pragma("max_page_count", (bytes / PAGE_BYTES).max(1).to_string()),
        None => options,
    }
}

/// SQLite's default, and what the file is made with.
const PAGE_BYTES: u64 = 4_096;

/// Messages are sealed, but who writes to whom is not: the file is its user's alone.
fn make_private_file(path: &Path) -> Result<(), CannotOpenStore> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| CannotOpenStore::File { path, source }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused(folder))?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    drop(file.map_err(refused(path))?);
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(refused(path))
}

async fn check_version(connection: &mut SqliteConnection) -> Result<(), CannotOpenStore> {
    let found = query!(r#"select sqlite_version() as "version!: String""#)
        .fetch_one(connection)
        .await
        .map_err(store_error)?
        .version;
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let version: [u32; 3] = core::array::from_fn(|_| parts.next().unwrap_or(0));
    if version < OLDEST_SQLITE {
        return Err(CannotOpenStore::SqliteTooOld { found });
    }
    Ok(())
}

async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    older: OlderSchema,
) -> Result<(), CannotOpenStore> {
    connection.ensure_migrations_table(&MIGRATIONS.table_name).await.map_err(cannot_migrate)?;
    let applied = connection.list_applied_migrations(&MIGRATIONS.table_name).await.map_err(cannot_migrate)?;
    let last = applied.iter().map(|step| step.version).max();
    if let Some(unknown) = applied.iter().find(|step| !MIGRATIONS.version_exists(step.version)) {
        return Err(CannotOpenStore::NewerSchema { step: unknown.version });
    }
    let is_behind = MIGRATIONS.iter().any(|step| last.is_none_or(|last| step.version > last));
    if is_behind && older == OlderSchema::Refuse {
        return Err(CannotOpenStore::OlderSchema);
    }
    let Some(last) = last else {
        return MIGRATIONS.run(connection).await.map_err(cannot_migrate);
    };
    if is_behind {
        copy_before_migration(connection, path, last).await?;
        info!(after = last, "the database's schema is brought up to date");
    }
    MIGRATIONS.run(connection).await.map_err(cannot_migrate)
}

/// A whole copy beside the database, made by SQLite itself.
async fn copy_before_migration(
    connection: &mut SqliteConnection,
    path: &Path,
    last: i64,
) -> Result<(), CannotOpenStore> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{last}"));
    let copy = PathBuf::from(name);
    // A copy of an earlier try: the database has not changed its schema since.
    if let Err(source) = fs::remove_file(&copy)
        && source.kind() != io::ErrorKind::NotFound
    {
        return Err(CannotOpenStore::File { path: copy, source });
    }
    make_private_file(&copy)?;
    let into = copy.to_string_lossy().into_owned();
    query!("vacuum into ?1", into).execute(connection).await.map_err(store_error)?;
    info!(copy = %copy.display(), "a copy of the database was made");
    Ok(())
}

fn cannot_migrate(error: MigrateError) -> CannotOpenStore {
    match error {
        MigrateError::VersionMissing(step) => CannotOpenStore::NewerSchema { step },
        MigrateError::VersionMismatch(step) => CannotOpenStore::ForeignSchema { step },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => store_error(error).into(),
        other => StoreError::Failed(other.to_string()).into(),
    }
}

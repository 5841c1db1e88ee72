//! Which adapters stand behind the relay's ports: the only place that names them.

use std::sync::Arc;

use relay::{
    Policy, Relay, RelayParts, ServerSecret,
    port::{LocalEvents, Mailer, Store},
};
use store_sqlite::{CannotOpenStore, OlderSchema, Settings, SqliteStore};

use crate::{
    config::{Accounts, Data},
    data_dir::{DataDir, DataDirError},
    mail::Postbox,
    passwords::BcryptPool,
    system::{SystemClock, SystemEntropy},
};

/// A relay, with what it stands on.
pub(crate) struct Assembled {
    pub(crate) relay: Relay,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) postbox: Arc<Postbox>,
    sqlite: SqliteStore,
    /// Held as long as the store is open.
    data_dir: DataDir,
}

/// Why the parts do not come together.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotAssemble {
    #[error("{0}")]
    DataDir(#[from] DataDirError),
    #[error("{0}")]
    Store(#[from] CannotOpenStore),
}

/// Opens the data folder, makes it if it is missing, and puts the relay together on it.
pub(crate) async fn assemble(
    data: &Data,
    accounts: &Accounts,
    can_mail: bool,
) -> Result<Assembled, CannotAssemble> {
    let data_dir = DataDir::open(&data.dir)?;
    let secrets = data_dir.secret(&SystemEntropy)?;
    put_together(data_dir, secrets, accounts, can_mail, OlderSchema::Update).await
}

/// The same beside a server that may be serving from the data folder, which must be there.
pub(crate) async fn assemble_beside(
    data: &Data,
    accounts: &Accounts,
    can_mail: bool,
) -> Result<Assembled, CannotAssemble> {
    let data_dir = DataDir::beside(&data.dir)?;
    let secrets = data_dir.standing_secret()?;
    put_together(data_dir, secrets, accounts, can_mail, OlderSchema::Refuse).await
}

async fn put_together(
    data_dir: DataDir,
    secrets: ServerSecret,
    accounts: &Accounts,
    can_mail: bool,
    older_schema: OlderSchema,
) -> Result<Assembled, CannotAssemble> {
    let settings = Settings { older_schema, ..Settings::default() };
    let sqlite = SqliteStore::open(&data_dir.database(), settings).await?;
    let store: Arc<dyn Store> = Arc::new(sqlite.clone());
    let postbox = Arc::new(Postbox::new(can_mail));
    let &Accounts { registration, bcrypt_cost } = accounts;
    let relay = Relay::new(RelayParts {
        store: Arc::clone(&store),
        passwords: Arc::new(BcryptPool::new(bcrypt_cost)),
        events: Arc::new(LocalEvents::new()),
        mailer: Arc::clone(&postbox) as Arc<dyn Mailer>,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        secrets,
        policy: Policy { registration, bcrypt_cost, ..Policy::default() },
    });
    Ok(Assembled { relay, store, postbox, sqlite, data_dir })
}

impl Assembled {
    /// Finishes what waits, and lets go of the data folder.
    pub(crate) async fn close(self) {
        let Self { relay, store, postbox: _, sqlite, data_dir } = self;
        drop((relay, store));
        sqlite.close().await;
        drop(data_dir);
    }
}

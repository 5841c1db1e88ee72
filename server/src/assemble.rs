//! Which adapters stand behind the relay's ports: the only place that names them.

use std::sync::Arc;

use relay::{
    Policy, Relay, RelayParts,
    port::{LocalEvents, Store},
};
use store_sqlite::{CannotOpenStore, Settings, SqliteStore};

use crate::{
    config::{Accounts, Data},
    data_dir::{DataDir, DataDirError},
    passwords::BcryptPool,
    system::{SystemClock, SystemEntropy},
};

/// A relay, with what it stands on.
pub(crate) struct Assembled {
    pub(crate) relay: Relay,
    pub(crate) store: Arc<dyn Store>,
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

/// Opens the data folder and puts the relay together on it.
pub(crate) async fn assemble(data: &Data, accounts: &Accounts) -> Result<Assembled, CannotAssemble> {
    let data_dir = DataDir::open(&data.dir)?;
    let secrets = data_dir.secret(&SystemEntropy)?;
    let sqlite = SqliteStore::open(&data_dir.database(), Settings::default()).await?;
    let store: Arc<dyn Store> = Arc::new(sqlite.clone());
    let policy = Policy { bcrypt_cost: accounts.bcrypt_cost, ..Policy::default() };
    let relay = Relay::new(RelayParts {
        store: Arc::clone(&store),
        passwords: Arc::new(BcryptPool::new(accounts.bcrypt_cost)),
        events: Arc::new(LocalEvents::new()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        secrets,
        policy,
    });
    Ok(Assembled { relay, store, sqlite, data_dir })
}

impl Assembled {
    /// Finishes what waits, and lets go of the data folder.
    pub(crate) async fn close(self) {
        let Self { relay, store, sqlite, data_dir } = self;
        drop((relay, store));
        sqlite.close().await;
        drop(data_dir);
    }
}

//! The store on SQLite passes the suite of all stores, in a folder of its own for each story.

use std::sync::Arc;

use relay::port::Store;
use store_sqlite::{Settings, SqliteStore};

store_conformance::stories!(async {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("relay.db"), Settings::default()).await.unwrap();
    (Arc::new(store) as Arc<dyn Store>, folder)
});

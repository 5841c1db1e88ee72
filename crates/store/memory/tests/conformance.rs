//! The store in memory passes the suite of all stores.

use std::sync::Arc;

use relay::port::Store;
use store_memory::MemoryStore;

store_conformance::stories!(async { (Arc::new(MemoryStore::new()) as Arc<dyn Store>, ()) });

//! What the device keeps: an object store of IndexedDB, or a map in memory where the browser gives none.

use std::{cell::RefCell, collections::BTreeMap};

use client::{StoreUnavailable, device::Change};
use js_sys::{Array, Function, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{IdbDatabase, IdbKeyRange, IdbObjectStore, IdbTransaction};

use super::{idb_request::IdbRequestDone, window};

const DATABASE: &str = "secure-messaging";
const RECORDS: &str = "records";
/// Holds what keeps a reloaded page unlocked: see [`super::unlock`].
pub(super) const UNLOCK: &str = "unlock";

/// The device's records.
pub(super) enum Records {
    /// They outlast the page.
    Lasting(IdbDatabase),
    /// They are gone with the page.
    Fleeting(RefCell<BTreeMap<String, Vec<u8>>>),
}

impl Records {
    pub(super) async fn open() -> Self {
        match open_database().await {
            Ok(database) => Self::Lasting(database),
            Err(_) => Self::Fleeting(RefCell::default()),
        }
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        match self {
            Self::Fleeting(map) => Ok(map.borrow().get(name).cloned()),
            Self::Lasting(database) => read(&store(database)?, name).await.map_err(unavailable),
        }
    }

    pub(super) async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        match self {
            Self::Fleeting(map) => Ok(map
                .borrow()
                .iter()
                .filter(|(name, _)| name.starts_with(prefix))
                .map(|(name, bytes)| (name.clone(), bytes.clone()))
                .collect()),
            Self::Lasting(database) => scan(&store(database)?, prefix).await.map_err(unavailable),
        }
    }

    pub(super) async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        match self {
            Self::Fleeting(map) => {
                let mut map = map.borrow_mut();
                for change in changes {
                    match change {
                        Change::Put { name, bytes } => drop(map.insert(name, bytes)),
                        Change::Remove { name } => drop(map.remove(&name)),
                        Change::RemoveAll { prefix } => map.retain(|name, _| !name.starts_with(&prefix)),
                    }
                }
                Ok(())
            }
            Self::Lasting(database) => write(database, changes).await.map_err(unavailable),
        }
    }

    pub(super) async fn put_if_absent(
        &self,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, StoreUnavailable> {
        match self {
            Self::Fleeting(map) => Ok(map.borrow_mut().entry(name.to_owned()).or_insert(bytes).clone()),
            Self::Lasting(database) => put_if_absent(database, name, bytes).await.map_err(unavailable),
        }
    }
}

async fn open_database() -> Result<IdbDatabase, JsValue> {
    let factory = window().indexed_db()?.ok_or(JsValue::UNDEFINED)?;
    let request = factory.open_with_u32(DATABASE, 1)?;
    let opening = request.clone();
    let upgrade = wasm_bindgen::closure::Closure::once(move || -> Result<(), JsValue> {
        let database: IdbDatabase = opening.result()?.unchecked_into();
        database.create_object_store(RECORDS)?;
        database.create_object_store(UNLOCK)?;
        Ok(())
    });
    request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
    Ok(request.done().await?.unchecked_into())
}

fn store(database: &IdbDatabase) -> Result<IdbObjectStore, StoreUnavailable> {
    database
        .transaction_with_str(RECORDS)
        .and_then(|transaction| transaction.object_store(RECORDS))
        .map_err(unavailable)
}

/// A transaction whose completion says that the changes are on disk: a queued message must outlive the machine.
fn durable(database: &IdbDatabase) -> Result<(IdbTransaction, IdbObjectStore), JsValue> {
    // The bindings do not have the options of a transaction yet.
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &"strict".into())?;
    let open: Function = Reflect::get(database, &"transaction".into())?.dyn_into()?;
    let transaction: IdbTransaction =
        open.call3(database, &RECORDS.into(), &"readwrite".into(), &options)?.dyn_into()?;
    let store = transaction.object_store(RECORDS)?;
    Ok((transaction, store))
}

async fn read(store: &IdbObjectStore, name: &str) -> Result<Option<Vec<u8>>, JsValue> {
    let value = store.get(&name.into())?.done().await?;
    Ok(value.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()))
}

async fn scan(store: &IdbObjectStore, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, JsValue> {
    let range = beginning_with(prefix)?;
    let names = store.get_all_keys_with_key(&range)?;
    let values = store.get_all_with_key(&range)?;
    let names: Array = names.done().await?.unchecked_into();
    let values: Array = values.done().await?.unchecked_into();
    Ok(names
        .iter()
        .zip(values.iter())
        .filter_map(|(name, value)| Some((name.as_string()?, value.dyn_into::<Uint8Array>().ok()?.to_vec())))
        .collect())
}

async fn write(database: &IdbDatabase, changes: Vec<Change>) -> Result<(), JsValue> {
    let (transaction, store) = durable(database)?;
    for change in changes {
        match change {
            Change::Put { name, bytes } => {
                store.put_with_key(&Uint8Array::from(bytes.as_slice()), &name.into())?
            }
            Change::Remove { name } => store.delete(&name.into())?,
            Change::RemoveAll { prefix } => store.delete(&beginning_with(&prefix)?)?,
        };
    }
    transaction.done().await.map(drop)
}

async fn put_if_absent(database: &IdbDatabase, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, JsValue> {
    let (transaction, store) = durable(database)?;
    // The transaction stays open between the two requests: the answer is awaited within its own event.
    if let Some(standing) = read(&store, name).await? {
        return Ok(standing);
    }
    store.put_with_key(&Uint8Array::from(bytes.as_slice()), &name.into())?;
    transaction.done().await?;
    Ok(bytes)
}

/// Names are ASCII: whatever begins with the prefix stands before the prefix and the last character.
fn beginning_with(prefix: &str) -> Result<JsValue, JsValue> {
    let end = format!("{prefix}\u{ffff}");
    Ok(IdbKeyRange::bound(&prefix.into(), &end.into())?.into())
}

fn unavailable(_: JsValue) -> StoreUnavailable {
    StoreUnavailable
}

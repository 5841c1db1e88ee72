//! What a device keeps.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use client::{StoreUnavailable, device::Change};

/// In memory, gone with the process; or in a file.
#[derive(Debug)]
pub enum Records {
    /// For the gateway: nothing of a session outlives its process.
    Memory(Memory),
    /// For the terminal: the next command goes on where this one stopped.
    File(store_device::Records),
}

/// Records in memory.
#[derive(Default)]
pub struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

/// Prints how many there are.
impl core::fmt::Debug for Memory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Memory({} records)", self.lock().len())
    }
}

impl Records {
    /// Empty ones in memory.
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    pub(super) async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.lock().get(name).cloned()),
            Self::File(file) => file.read(name).await,
        }
    }

    pub(super) async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.scan(prefix)),
            Self::File(file) => file.scan(prefix).await,
        }
    }

    pub(super) async fn write(&self, changes: Vec<Change>) -> Result<(), StoreUnavailable> {
        match self {
            Self::Memory(memory) => {
                memory.write(changes);
                Ok(())
            }
            Self::File(file) => file.write(changes).await,
        }
    }

    pub(super) async fn put_if_absent(
        &self,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, StoreUnavailable> {
        match self {
            Self::Memory(memory) => Ok(memory.lock().entry(name.to_owned()).or_insert(bytes).clone()),
            Self::File(file) => file.put_if_absent(name, bytes).await,
        }
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scan(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let records = self.lock();
        let found = records.range(prefix.to_owned()..).take_while(|(name, _)| name.starts_with(prefix));
        found.map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
    }

    fn write(&self, changes: Vec<Change>) {
        let mut records = self.lock();
        for change in changes {
            match change {
                Change::Put { name, bytes } => drop(records.insert(name, bytes)),
                Change::Remove { name } => drop(records.remove(&name)),
                Change::RemoveAll { prefix } => records.retain(|name, _| !name.starts_with(&prefix)),
            }
        }
    }
}

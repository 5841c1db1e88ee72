//! Which device this is: its key, kept in the device's records for all tabs, and its place in the account's device log.

use std::collections::BTreeSet;

use crypto::{
    device::{DeviceKey, DeviceSeed},
    device_log::Change as LogChange,
    id::{DeviceId, PrekeyId},
    prekey::{PrekeySecret, PrekeySeed},
};
use protocol::{Binary, Code};

use crate::{
    Device, Interruption, StoreUnavailable,
    device::{Change, DeviceRng},
    engine::Engine,
    records::KeptDevice,
};

/// How often an entry is signed anew after another device was faster.
const MAX_ROUNDS: usize = 8;

/// This device.
#[derive(Clone, Debug)]
pub(crate) struct ThisDevice {
    pub(crate) id: DeviceId,
    pub(crate) key: DeviceKey,
}

impl KeptDevice {
    fn open(&self) -> Option<ThisDevice> {
        let seed = self.seed.as_slice().try_into().ok()?;
        Some(ThisDevice { id: self.device, key: DeviceKey::from_seed(&DeviceSeed::from_bytes(seed)) })
    }
}

impl<D: Device> Engine<D> {
    /// This device, which the account's log names and the relay knows: introduced once for each session.
    pub(crate) async fn this_device(&self) -> Result<ThisDevice, Interruption> {
        let _turn = self.introducing.lock().await;
        let known = self.introduced();
        if let Some(known) = known {
            return Ok(known);
        }
        let kept = self.kept_device().await?;
        let is_known_there = kept.as_ref().is_some_and(|kept| kept.session == Some(self.session.session));
        self.load_log(self.me.account, self.identity.public()).await?;
        let this = match kept.as_ref().and_then(KeptDevice::open) {
            // Another tab may have introduced it: what is sealed names a log that has it.
            Some(this) if is_known_there && self.own_entry_of(this.id).is_some() => this,
            kept => self.introduce(kept).await?,
        };
        self.set_introduced(Some(this.clone()));
        Ok(this)
    }

    /// This device, for reading what came to it: introduced or not, without the network.
    pub(crate) async fn this_device_offline(&self) -> Result<Option<ThisDevice>, StoreUnavailable> {
        if let Some(known) = self.introduced() {
            return Ok(Some(known));
        }
        Ok(self.kept_device().await?.as_ref().and_then(KeptDevice::open))
    }

    /// The device's id, if it has one: without the network.
    pub(crate) async fn kept_device(&self) -> Result<Option<KeptDevice>, StoreUnavailable> {
        let name = self.records.device();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)))
    }

    /// The prekeys that only this device has, by their ids.
    pub(crate) async fn device_prekey_ids(&self, this: DeviceId) -> Result<Vec<PrekeyId>, StoreUnavailable> {
        let prefix = self.records.device_prekeys(this);
        let kept = self.device.scan(&prefix).await?;
        Ok(kept.iter().filter_map(|(name, _)| name[prefix.len()..].parse().ok().map(PrekeyId)).collect())
    }

    /// This device, as the records say, and those that it was before whose prekeys are still here.
    pub(crate) async fn devices_here(&self) -> Result<BTreeSet<DeviceId>, StoreUnavailable> {
        let prefix = self.records.all_device_prekeys();
        let kept = self.device.scan(&prefix).await?;
        let of_prekeys =
            kept.iter().filter_map(|(name, _)| name[prefix.len()..].split('/').next()?.parse().ok());
        let this = self.kept_device().await?.map(|kept| kept.device);
        Ok(of_prekeys.chain(this).collect())
    }

    /// One of them, as long as it lives.
    pub(crate) async fn device_prekey(
        &self,
        device: DeviceId,
        id: PrekeyId,
    ) -> Result<Option<PrekeySecret>, StoreUnavailable> {
        let name = self.records.device_prekey(device, id);
        let record = self.device.read(&name).await?;
        let kept = record.and_then(|sealed| self.records.open::<(u64, Binary)>(&name, &sealed));
        let seed = |seed: Binary| Some(PrekeySeed::from_bytes(seed.as_slice().try_into().ok()?));
        Ok(kept
            .and_then(|(sequence, bytes)| Some(PrekeySecret::of_device(device, id, sequence, &seed(bytes)?))))
    }

    /// Forgets that the relay knows this device, so that it is introduced again: the relay says that it does not.
    pub(crate) async fn introduce_again(&self) -> Result<(), Interruption> {
        if let Some(kept) = self.kept_device().await? {
            let forgotten = KeptDevice { session: None, ..kept };
            self.keep_device(&forgotten).await?;
        }
        self.set_introduced(None);
        Ok(())
    }

    async fn introduce(&self, kept: Option<ThisDevice>) -> Result<ThisDevice, Interruption> {
        let mut kept = kept;
        self.refresh_own_log().await?;
        for _ in 0..MAX_ROUNDS {
            let this = match kept.take() {
                // One that was ended does not come back: it is a new device from here on.
                Some(this) if !self.is_ended(this.id) => this,
                _ => self.draw_device().await?,
            };
            let entry = match self.own_entry_of(this.id) {
                Some(entry) => entry,
                None => {
                    let change = LogChange::Added(this.id, this.key.public());
                    let mut log = self.own_log();
                    let Ok(entry) = log.append(change, self.device.now_ms(), &self.identity) else {
                        continue;
                    };
                    entry
                }
            };
            if self.call_append(&entry).await? {
                self.take_own_entry(entry).await?;
                let session = Some(self.session.session);
                let seed = Binary(this.key.seed().expose_bytes().to_vec());
                self.keep_device(&KeptDevice { device: this.id, seed, session }).await?;
                return Ok(this);
            }
            self.compare_own_log().await?;
            kept = Some(this);
        }
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    /// A new device; of two tabs that draw one at the same time, the first wins.
    async fn draw_device(&self) -> Result<ThisDevice, StoreUnavailable> {
        let rng = &mut DeviceRng(&*self.device);
        let (id, key) = (DeviceId::random(rng), DeviceKey::generate(rng));
        let seed = Binary(key.seed().expose_bytes().to_vec());
        let new = KeptDevice { device: id, seed, session: None };
        let name = self.records.device();
        let is_ended = self.kept_device().await?.is_some_and(|kept| self.is_ended(kept.device));
        if is_ended {
            self.records.write(&*self.device, vec![Change::Remove { name: name.clone() }]).await?;
        }
        let sealed = self.records.seal(&*self.device, &name, &new);
        let standing = self.records.put_if_absent(&*self.device, &name, sealed).await?;
        let standing = self.records.open::<KeptDevice>(&name, &standing).and_then(|kept| kept.open());
        match standing {
            Some(standing) => Ok(standing),
            // A damaged record: a device whose store is gone is a new one.
            None => {
                self.keep_device(&new).await?;
                Ok(ThisDevice { id, key })
            }
        }
    }

    fn is_ended(&self, device: DeviceId) -> bool {
        self.own_log().device(device).is_some_and(|known| known.revoked_at.is_some())
    }

    async fn keep_device(&self, kept: &KeptDevice) -> Result<(), StoreUnavailable> {
        let record = self.records.put(&*self.device, self.records.device(), kept);
        self.records.write(&*self.device, vec![record]).await
    }
}

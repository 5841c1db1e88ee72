//! Devices end: signed out by somebody, with whatever they may have kept of what is to come, or by themselves.

use std::collections::BTreeSet;

use crypto::{
    device_log::Change as LogChange,
    id::{DeviceId, Fingerprint, PrekeyId},
    prekey::PrekeyKind,
};
use protocol::session::ListSessions;

use crate::{
    Device, Interruption, StoreUnavailable, device::Change, engine::Engine, repairs::Repair,
    this_device::ThisDevice, upkeep::tolerated,
};

impl<D: Device> Engine<D> {
    /// Devices whose sessions have ended without a word: by time, by a new password, by a log-out without a connection.
    pub(crate) async fn end_devices_without_session(&self, this: &ThisDevice) -> Result<(), Interruption> {
        self.refresh_own_log().await?;
        // Those of now: one that signs in while the answer is on its way has its session after that.
        let active: Vec<DeviceId> = self.own_log().active().map(|(device, _)| device).collect();
        let sessions = self.device.call(ListSessions {}).await?.sessions;
        let live: BTreeSet<DeviceId> = sessions.iter().filter_map(|session| session.device).collect();
        if !live.contains(&this.id) {
            // The server does not know which device this is: then it is no good witness for the others either.
            self.note_repair(Repair::DeviceIntroducedAgain).await?;
            return self.introduce_again().await;
        }
        let ended: Vec<DeviceId> = active.into_iter().filter(|device| !live.contains(device)).collect();
        for device in &ended {
            self.append_to_log(LogChange::Revoked(*device)).await?;
        }
        if !ended.is_empty() {
            self.note_repair(Repair::DevicesEnded).await?;
        }
        Ok(())
    }

    /// Ends devices, and everything that their owners may have kept of what is to come: other prekeys, another epoch. What
    /// is interrupted is finished by [`Self::maintain`].
    pub(crate) async fn revoke_devices(&self, devices: &[DeviceId]) -> Result<(), Interruption> {
        self.begin_revocation(devices).await?;
        self.finish_revocation().await
    }

    pub(crate) async fn begin_revocation(&self, devices: &[DeviceId]) -> Result<(), StoreUnavailable> {
        let name = self.records.revoking();
        let unfinished = self.device.read(&name).await?;
        let unfinished = unfinished.and_then(|begun| self.records.open::<BTreeSet<DeviceId>>(&name, &begun));
        let all: BTreeSet<DeviceId> =
            devices.iter().copied().chain(unfinished.into_iter().flatten()).collect();
        let begun = self.records.put(&*self.device, name, &all);
        self.records.write(&*self.device, vec![begun]).await
    }

    /// Whether a revocation was begun on this device and is not finished.
    pub(crate) async fn has_begun_revocation(&self) -> Result<bool, StoreUnavailable> {
        Ok(self.device.read(&self.records.revoking()).await?.is_some())
    }

    /// There is nothing to end after all.
    pub(crate) async fn forget_revocation(&self) -> Result<(), StoreUnavailable> {
        let forgotten = Change::Remove { name: self.records.revoking() };
        self.records.write(&*self.device, vec![forgotten]).await
    }

    /// Goes on with a revocation that was begun on this device.
    pub(crate) async fn finish_revocation(&self) -> Result<(), Interruption> {
        let name = self.records.revoking();
        let Some(begun) = self.device.read(&name).await? else { return Ok(()) };
        let mut refused = None;
        for device in self.records.open::<Vec<DeviceId>>(&name, &begun).unwrap_or_default() {
            match self.append_to_log(LogChange::Revoked(device)).await {
                Ok(_) => {}
                // A full log. All that can be done without it is.
                Err(error @ Interruption::Refused(_)) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        // What the ended device has put into the vault is seen before it is replaced.
        self.refresh_vault().await?;
        let rotated = self.rotate_signed_prekey().await;
        tolerated(rotated.clone())?;
        self.replace_one_time_prekeys().await?;
        tolerated(self.vault.turn_epoch(&*self.device, &self.records).await.map(drop))?;
        // With a full vault it is tried again by the next upkeep.
        rotated?;
        // One that another tab has begun meanwhile is not finished.
        if self.device.read(&name).await?.as_ref() == Some(&begun) {
            self.records.write(&*self.device, vec![Change::Remove { name }]).await?;
        }
        refused.map_or(Ok(()), Err)
    }

    /// This device's last word, if it can be said: it leaves the log, and its session with it.
    pub(crate) async fn leave_log(&self) {
        if let Ok(Some(this)) = self.this_device_offline().await {
            // Whoever cannot say it is tidied up after by another device.
            let _ = self.append_to_log(LogChange::Revoked(this.id)).await;
        }
    }

    /// The devices that this one was before and that were ended, as the log says: nothing comes to them any more.
    pub(crate) async fn former_devices(&self) -> Result<Vec<DeviceId>, StoreUnavailable> {
        let log = self.own_log();
        let this = self.kept_device().await?.map(|kept| kept.device);
        let is_ended =
            |device: &DeviceId| log.device(*device).is_some_and(|known| known.revoked_at.is_some());
        let here = self.devices_here().await?;
        Ok(here.into_iter().filter(|device| Some(*device) != this && is_ended(device)).collect())
    }

    /// Removes the prekeys of devices that this one was before, but for those that are needed. To be called when all was read
    /// that came to them.
    pub(crate) async fn forget_devices(
        &self,
        former: &[DeviceId],
        needed: &BTreeSet<(Fingerprint, PrekeyKind, PrekeyId)>,
    ) -> Result<(), StoreUnavailable> {
        let is_needed = |id: PrekeyId| {
            needed.iter().any(|(_, kind, needed)| *kind == PrekeyKind::Device && *needed == id)
        };
        let mut changes = Vec::new();
        for device in former {
            for id in self.device_prekey_ids(*device).await?.into_iter().filter(|id| !is_needed(*id)) {
                changes.push(Change::Remove { name: self.records.device_prekey(*device, id) });
            }
        }
        self.records.write(&*self.device, changes).await
    }
}

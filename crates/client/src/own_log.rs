//! The account's own device log: what this device appends to it, and how it and the server come to one log again after the
//! server was set back.

use crypto::{
    device_log::{Change as LogChange, DeviceLog, LogEntry, LogRefused},
    id::DeviceId,
};
use protocol::{Code, device::AppendLog, directory::FetchKeys};

use crate::{
    CallError, Device, Interruption, StoreUnavailable, device::Change, engine::Engine, logs::KnownLog,
    repairs::Repair,
};

/// How often an entry is signed anew after another device was faster.
const MAX_ROUNDS: usize = 8;

impl<D: Device> Engine<D> {
    /// The account's own log, as far as it is known.
    pub(crate) fn own_log(&self) -> DeviceLog {
        self.known_own_log().log().clone()
    }

    fn known_own_log(&self) -> KnownLog {
        let identity = self.identity.public();
        let logs = self.logs();
        let known = logs.known(self.me.account, identity.fingerprint()).cloned();
        known.unwrap_or_else(|| KnownLog::of_taken(self.me.account, identity, Vec::new()))
    }

    /// The entry by which a device of one's own was added.
    pub(crate) fn own_entry_of(&self, device: DeviceId) -> Option<LogEntry> {
        let is_it =
            |entry: &&LogEntry| matches!(entry.change(), LogChange::Added(added, _) if added == device);
        self.known_own_log().entries().iter().find(is_it).cloned()
    }

    /// Learns what is new in it, and [joins](Self::rejoin_own_log) it when it is another one.
    ///
    /// # Errors
    /// [`Interruption::OwnLog`] when the server shows entries that no device of the account has signed.
    pub(crate) async fn refresh_own_log(&self) -> Result<(), Interruption> {
        let refused = self.refresh_logs(&[(self.me.account, self.identity.public())]).await?;
        match refused.get(&self.me.account) {
            Some(LogRefused::Fork) => self.rejoin_own_log().await,
            Some(refused) => Err(Interruption::OwnLog(*refused)),
            None => Ok(()),
        }
    }

    /// As [`Self::refresh_own_log`], and gives the server what it has lost.
    pub(crate) async fn compare_own_log(&self) -> Result<(), Interruption> {
        self.refresh_own_log().await?;
        let keys = self.device.call(FetchKeys { accounts: vec![self.me.account] }).await?;
        let Some(there) = keys.bundles.into_iter().find(|bundle| bundle.account == self.me.account) else {
            return Ok(());
        };
        let own = self.own_log();
        if own.head_at(there.log_length) != Some(there.log_head) {
            return self.rejoin_own_log().await;
        }
        if there.log_length < own.len() { self.restore_own_log(there.log_length).await } else { Ok(()) }
    }

    /// Takes an entry that this device has signed and the relay has taken.
    pub(crate) async fn take_own_entry(&self, entry: LogEntry) -> Result<(), StoreUnavailable> {
        // It may have come back by itself meanwhile.
        self.take_entries(self.me.account, self.identity.public(), vec![entry]).await.map(drop)
    }

    /// Signs an entry and has the relay take it; `false`: the log says so already.
    pub(crate) async fn append_to_log(&self, change: LogChange) -> Result<bool, Interruption> {
        self.refresh_own_log().await?;
        for _ in 0..MAX_ROUNDS {
            let mut log = self.own_log();
            let Ok(entry) = log.append(change, self.device.now_ms(), &self.identity) else {
                return Ok(false);
            };
            if self.call_append(&entry).await? {
                self.take_own_entry(entry).await?;
                return Ok(true);
            }
            self.compare_own_log().await?;
        }
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    /// Has the relay take an entry; `false`: its log goes on otherwise.
    pub(crate) async fn call_append(&self, entry: &LogEntry) -> Result<bool, Interruption> {
        match self.device.call(AppendLog { entry: entry.clone() }).await {
            Ok(_) => Ok(true),
            Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a server that was set back the entries that it has lost.
    async fn restore_own_log(&self, length_there: u32) -> Result<(), Interruption> {
        let known = self.known_own_log();
        let lost = known.entries().iter().skip(length_there as usize);
        for entry in lost {
            if !self.call_append(entry).await? {
                // It goes on with others meanwhile: the next look joins it.
                return Ok(());
            }
        }
        self.note_repair(Repair::DeviceLogRestored).await?;
        self.end_sessions_again().await?;
        // Each of those that were added was taken for the device of this session.
        self.introduce_again().await
    }

    /// Joins the log that the server has, where it is another one: the server was set back to a copy, and another device signed
    /// in before this one could give back what was lost. What the lost entries said of ends is said again before anything else,
    /// so that no device comes back by this; those that were added and are still there add themselves.
    async fn rejoin_own_log(&self) -> Result<(), Interruption> {
        let (account, identity) = (self.me.account, self.identity.public());
        for _ in 0..MAX_ROUNDS {
            let there = self.fetch_whole_log(account, identity).await?;
            let mut there = there.map_err(Interruption::OwnLog)?;
            let known = self.known_own_log();
            let is_common =
                |entry: &&LogEntry| there.log().head_at(entry.position()) == Some(entry.hash(account));
            let common = known.entries().iter().take_while(is_common).count();
            let lost = &known.entries()[common..];
            if lost.is_empty() {
                return Ok(self.take_another_log(account, identity, there).await?);
            }
            if there.entries().len() == common {
                return self.restore_own_log(common as u32).await;
            }
            if !self.repeat_ends(&mut there, lost).await? {
                continue;
            }
            self.forget_sealings().await?;
            self.take_another_log(account, identity, there).await?;
            self.note_repair(Repair::DeviceLogJoined).await?;
            self.end_sessions_again().await?;
            return self.introduce_again().await;
        }
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    /// Appends the ends among these entries to another log, also of devices that it does not have: they must not come there any
    /// more. `false`: that log has grown meanwhile.
    async fn repeat_ends(&self, log: &mut KnownLog, lost: &[LogEntry]) -> Result<bool, Interruption> {
        let known = self.own_log();
        for entry in lost {
            let LogChange::Revoked(device) = entry.change() else { continue };
            let added = known.device(device).map(|known| LogChange::Added(device, known.key));
            let is_missing = log.log().device(device).is_none();
            for change in added.filter(|_| is_missing).into_iter().chain([entry.change()]) {
                let appended = log.log().clone().append(change, self.device.now_ms(), &self.identity);
                // One that has ended needs no end.
                let Ok(appended) = appended else { continue };
                if !self.call_append(&appended).await? || log.take(appended).is_err() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// What was sealed and not sent names a head that nobody can look up any more: it is sealed anew.
    async fn forget_sealings(&self) -> Result<(), StoreUnavailable> {
        let sealings = self.device.scan(&self.records.all_sealed()).await?;
        let changes = sealings.into_iter().map(|(name, _)| Change::Remove { name }).collect();
        self.records.write(&*self.device, changes).await
    }
}

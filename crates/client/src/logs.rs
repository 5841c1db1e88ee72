//! Device logs: one's own and those of contacts, verified from their first entry on, and never taken back.
//!
//! What was verified is kept on the device, and how far a contact's log was seen stands in the pin, for all devices: a
//! server that later shows another log, or less of it, is found out.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{
    device_log::{Change as LogChange, DeviceLog, LogEntry, LogRefused},
    id::{AccountId, DeviceId, Fingerprint},
    identity::IdentityPublic,
};
use protocol::{
    Code,
    device::{AppendLog, FetchLogs, LogAfter},
    limits::{MAX_LOG_ENTRIES, MAX_LOGS},
};

use crate::{
    CallError, Device, Interruption, StoreUnavailable, engine::Engine, pins::SeenLog, records::KeptLog,
    repairs::Repair,
};

/// How often an entry is signed anew after another device was faster.
const MAX_ROUNDS: usize = 8;

/// The logs that this device knows.
#[derive(Default)]
pub(crate) struct Logs(BTreeMap<(AccountId, Fingerprint), KnownLog>);

#[derive(Clone)]
struct KnownLog {
    log: DeviceLog,
    entries: Vec<LogEntry>,
}

impl Logs {
    /// The log of an account under this identity key, if it is known.
    pub(crate) fn get(&self, account: AccountId, identity: Fingerprint) -> Option<&DeviceLog> {
        self.0.get(&(account, identity)).map(|known| &known.log)
    }
}

impl<D: Device> Engine<D> {
    /// The account's own log, as far as it is known.
    pub(crate) fn own_log(&self) -> DeviceLog {
        let identity = self.identity.public();
        let logs = self.logs();
        let known = logs.get(self.me.account, identity.fingerprint());
        known.cloned().unwrap_or_else(|| DeviceLog::empty(self.me.account, identity))
    }

    /// The entry by which a device of one's own was added.
    pub(crate) fn own_entry_of(&self, device: DeviceId) -> Option<LogEntry> {
        let identity = self.identity.public().fingerprint();
        let logs = self.logs();
        let known = logs.0.get(&(self.me.account, identity))?;
        let is_it =
            |entry: &&LogEntry| matches!(entry.change(), LogChange::Added(added, _) if added == device);
        known.entries.iter().find(is_it).cloned()
    }

    /// # Errors
    /// [`Interruption::OwnLog`] when the server shows another log than before.
    pub(crate) async fn refresh_own_log(&self) -> Result<(), Interruption> {
        let refused = self.refresh_logs(&[(self.me.account, self.identity.public())]).await?;
        match refused.get(&self.me.account) {
            Some(refused) => Err(Interruption::OwnLog(*refused)),
            None => Ok(()),
        }
    }

    /// Takes an entry that this device has signed and the relay has taken.
    pub(crate) async fn take_own_entry(&self, entry: LogEntry) -> Result<(), StoreUnavailable> {
        let identity = self.identity.public();
        let account = self.me.account;
        let kept = {
            let mut logs = self.logs();
            let known = logs.0.entry((account, identity.fingerprint())).or_insert_with(|| KnownLog {
                log: DeviceLog::empty(account, identity),
                entries: Vec::new(),
            });
            if known.log.take(&entry).is_err() {
                // It came back by itself meanwhile.
                return Ok(());
            }
            known.entries.push(entry);
            KeptLog { entries: known.entries.clone() }
        };
        self.keep_log(account, identity.fingerprint(), &kept).await
    }

    /// Signs an entry and has the relay take it; `false`: the log says so already.
    pub(crate) async fn append_to_log(&self, change: LogChange) -> Result<bool, Interruption> {
        for _ in 0..MAX_ROUNDS {
            self.refresh_own_log().await?;
            let mut log = self.own_log();
            let Ok(entry) = log.append(change, self.device.now_ms(), &self.identity) else {
                return Ok(false);
            };
            match self.device.call(AppendLog { entry: entry.clone() }).await {
                Ok(_) => {
                    self.take_own_entry(entry).await?;
                    return Ok(true);
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    /// Gives a server that was set back the entries of one's own log that it has lost.
    pub(crate) async fn restore_own_log(&self, length_there: u32) -> Result<(), Interruption> {
        let identity = self.identity.public().fingerprint();
        let lost: Vec<LogEntry> = {
            let logs = self.logs();
            let known = logs.0.get(&(self.me.account, identity));
            known
                .map(|known| known.entries.iter().skip(length_there as usize).cloned().collect())
                .unwrap_or_default()
        };
        if lost.is_empty() {
            return Ok(());
        }
        for entry in lost {
            self.device.call(AppendLog { entry }).await?;
        }
        self.note_repair(Repair::DeviceLogRestored).await?;
        // Each of those that were added was taken for the device of this session.
        self.introduce_again().await
    }

    /// Fetches what is new in these logs. Those that do not go on from what was seen are returned; what was known of them
    /// stays.
    pub(crate) async fn refresh_logs(
        &self,
        wanted: &[(AccountId, IdentityPublic)],
    ) -> Result<BTreeMap<AccountId, LogRefused>, Interruption> {
        for (account, identity) in wanted {
            self.load_log(*account, *identity).await?;
        }
        let mut refused = BTreeMap::new();
        for chunk in wanted.chunks(MAX_LOGS) {
            loop {
                let after = |(account, identity): &(AccountId, IdentityPublic)| {
                    let identity = identity.fingerprint();
                    let after = self.logs().get(*account, identity).map_or(0, DeviceLog::len);
                    LogAfter { account: *account, identity, after }
                };
                let fetched = self.device.call(FetchLogs { logs: chunk.iter().map(after).collect() }).await?;
                let count: usize = fetched.logs.iter().map(Vec::len).sum();
                let known = self.entries_known(chunk);
                for ((account, identity), entries) in chunk.iter().zip(fetched.logs) {
                    if let Err(why) = self.take_entries(*account, *identity, entries).await? {
                        refused.insert(*account, why);
                    }
                }
                // An answer that is full of what is known already is no progress.
                if count < MAX_LOG_ENTRIES || !refused.is_empty() || self.entries_known(chunk) == known {
                    break;
                }
            }
        }
        for (account, identity) in wanted {
            if !refused.contains_key(account)
                && let Err(why) = self.hold_against_pin(*account, *identity).await?
            {
                refused.insert(*account, why);
            }
        }
        Ok(refused)
    }

    fn entries_known(&self, of: &[(AccountId, IdentityPublic)]) -> u64 {
        let logs = self.logs();
        let length =
            |(account, identity): &(AccountId, IdentityPublic)| logs.get(*account, identity.fingerprint());
        of.iter().filter_map(length).map(|log| u64::from(log.len())).sum()
    }

    /// The devices of an account that can take a message now.
    pub(crate) fn active_devices(&self, account: AccountId, identity: &IdentityPublic) -> BTreeSet<DeviceId> {
        let logs = self.logs();
        let log = logs.get(account, identity.fingerprint());
        log.map(|log| log.active().map(|(device, _)| device).collect()).unwrap_or_default()
    }

    async fn load_log(&self, account: AccountId, identity: IdentityPublic) -> Result<(), StoreUnavailable> {
        let fingerprint = identity.fingerprint();
        if self.logs().get(account, fingerprint).is_some() {
            return Ok(());
        }
        let name = self.records.log(account, fingerprint);
        let record = self.device.read(&name).await?;
        let kept = record.and_then(|sealed| self.records.open::<KeptLog>(&name, &sealed)).unwrap_or_default();
        let log = DeviceLog::of_taken(account, identity, &kept.entries);
        let known = KnownLog { log, entries: kept.entries };
        self.logs().0.entry((account, fingerprint)).or_insert(known);
        Ok(())
    }

    async fn take_entries(
        &self,
        account: AccountId,
        identity: IdentityPublic,
        entries: Vec<LogEntry>,
    ) -> Result<Result<(), LogRefused>, StoreUnavailable> {
        if entries.is_empty() {
            return Ok(Ok(()));
        }
        let fingerprint = identity.fingerprint();
        let kept = {
            let mut logs = self.logs();
            let Some(known) = logs.0.get_mut(&(account, fingerprint)) else { return Ok(Ok(())) };
            for entry in entries {
                // Another tab's call may have brought it meanwhile.
                if entry.position() <= known.log.len() {
                    if known.log.head_at(entry.position()) != Some(entry.hash(account)) {
                        return Ok(Err(LogRefused::Fork));
                    }
                    continue;
                }
                if let Err(why) = known.log.take(&entry) {
                    return Ok(Err(why));
                }
                known.entries.push(entry);
            }
            KeptLog { entries: known.entries.clone() }
        };
        self.keep_log(account, fingerprint, &kept).await?;
        Ok(Ok(()))
    }

    /// Whether the log goes on from what any device of this account has seen of it; if it has grown, that is seen now.
    pub(crate) async fn hold_against_pin(
        &self,
        account: AccountId,
        identity: IdentityPublic,
    ) -> Result<Result<(), LogRefused>, Interruption> {
        let pin = self.vault.pin(account).filter(|pin| pin.current() == Some(&identity));
        let Some(pin) = pin else { return Ok(Ok(())) };
        let now = {
            let logs = self.logs();
            let Some(log) = logs.get(account, identity.fingerprint()) else { return Ok(Ok(())) };
            let seen = pin.seen_log();
            match log.head_at(seen.length) {
                None => return Ok(Err(LogRefused::Gap)),
                Some(head) if head != seen.head => return Ok(Err(LogRefused::Fork)),
                Some(_) => {}
            }
            SeenLog { length: log.len(), head: log.head() }
        };
        if now.length > pin.seen_log().length {
            let seen = self
                .vault
                .edit_pin(&*self.device, &self.records, account, |pin| pin?.having_seen_log(&identity, now))
                .await;
            match seen {
                // A full vault notes no more: what this device has seen it still knows.
                Ok(()) | Err(Interruption::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Ok(()))
    }

    async fn keep_log(
        &self,
        account: AccountId,
        identity: Fingerprint,
        kept: &KeptLog,
    ) -> Result<(), StoreUnavailable> {
        let record = self.records.put(&*self.device, self.records.log(account, identity), kept);
        self.records.write(&*self.device, vec![record]).await
    }
}

//! Device logs, verified from their first entry on, and never taken back.
//!
//! What was verified is kept on the device, and how far a contact's log was seen stands in the pin, for all devices: a
//! server that later shows another log, or less of it, is found out. Another one is taken up only at the user's word, as
//! another key is: that word stands in the pin.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{
    device_log::{Change, DeviceLog, LogEntry, LogRefused},
    id::{AccountId, DeviceId, Fingerprint},
    identity::IdentityPublic,
};
use protocol::{
    device::{FetchLogs, LogAfter},
    limits::{MAX_LOG_ENTRIES, MAX_LOG_LENGTH, MAX_LOGS},
};

use crate::{
    Device, Interruption, StoreUnavailable,
    engine::Engine,
    pins::{Pin, SeenLog},
    records::KeptLog,
};

/// The logs that this device knows.
#[derive(Default)]
pub(crate) struct Logs(BTreeMap<(AccountId, Fingerprint), KnownLog>);

/// A log as far as it was verified.
#[derive(Clone)]
pub(crate) struct KnownLog {
    log: DeviceLog,
    entries: Vec<LogEntry>,
    /// Whether it is not the one that the contact's pin speaks of.
    is_off_pin: bool,
    /// The devices that had ended in a log which this one took the place of, and whose end was heard of.
    ended: BTreeSet<DeviceId>,
}

impl KnownLog {
    /// The log of these entries, which were verified before.
    pub(crate) fn of_taken(account: AccountId, identity: IdentityPublic, entries: Vec<LogEntry>) -> Self {
        Self {
            log: DeviceLog::of_taken(account, identity, &entries),
            entries,
            is_off_pin: false,
            ended: BTreeSet::new(),
        }
    }

    /// What it says.
    pub(crate) fn log(&self) -> &DeviceLog {
        &self.log
    }

    /// Its entries, from the first.
    pub(crate) fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// Takes the next entry.
    pub(crate) fn take(&mut self, entry: LogEntry) -> Result<(), LogRefused> {
        self.log.take(&entry)?;
        self.entries.push(entry);
        Ok(())
    }

    fn to_keep(&self) -> KeptLog {
        KeptLog { entries: self.entries.clone(), ended: self.ended.clone() }
    }
}

/// What the server shows as a log that was seen before.
enum Shown {
    /// That one, or as much of it as there is.
    Same,
    /// Another one, which the account's key has signed all the same.
    Another(LogRefused),
    /// Something that nobody has signed.
    Forged(LogRefused),
}

impl Logs {
    /// The log of an account under this identity key, if it is known and is the one of its pin.
    pub(crate) fn get(&self, account: AccountId, identity: Fingerprint) -> Option<&DeviceLog> {
        self.known(account, identity).filter(|known| !known.is_off_pin).map(KnownLog::log)
    }

    /// What is known of a log, whatever the pin says.
    pub(crate) fn known(&self, account: AccountId, identity: Fingerprint) -> Option<&KnownLog> {
        self.0.get(&(account, identity))
    }

    /// Whether the end of this device was heard of in a log that another one took the place of.
    pub(crate) fn has_ended(&self, account: AccountId, identity: Fingerprint, device: DeviceId) -> bool {
        self.known(account, identity).is_some_and(|known| known.ended.contains(&device))
    }

    fn length(&self, account: AccountId, identity: &IdentityPublic) -> u32 {
        self.known(account, identity.fingerprint()).map_or(0, |known| known.log.len())
    }
}

impl<D: Device> Engine<D> {
    /// Fetches what is new in these logs. Those that do not go on from what was seen are returned, and noted with their
    /// contacts for the user to see; what was known of them stays.
    pub(crate) async fn refresh_logs(
        &self,
        wanted: &[(AccountId, IdentityPublic)],
    ) -> Result<BTreeMap<AccountId, LogRefused>, Interruption> {
        for (account, identity) in wanted {
            self.load_log(*account, *identity).await?;
        }
        let mut refused = BTreeMap::new();
        for chunk in wanted.chunks(MAX_LOGS) {
            self.fetch_entries(chunk, &mut refused).await?;
        }
        for (account, identity) in wanted {
            let why = match refused.get(account) {
                Some(why) => Err(*why),
                None => self.hold_against_pin(*account, *identity).await?,
            };
            let shown = match why {
                Ok(()) => Shown::Same,
                Err(LogRefused::Fork | LogRefused::Gap) => self.look_again(*account, *identity).await?,
                Err(why) => Shown::Forged(why),
            };
            match shown {
                Shown::Same => refused.remove(account),
                Shown::Another(why) | Shown::Forged(why) => refused.insert(*account, why),
            };
            self.note_other_log(*account, matches!(shown, Shown::Another(_))).await?;
        }
        Ok(refused)
    }

    /// Asks for what comes after what is known, and for the last that is known: so another log is noticed as soon as it has
    /// as many entries.
    async fn fetch_entries(
        &self,
        of: &[(AccountId, IdentityPublic)],
        refused: &mut BTreeMap<AccountId, LogRefused>,
    ) -> Result<(), Interruption> {
        loop {
            let after = |(account, identity): &(AccountId, IdentityPublic)| LogAfter {
                account: *account,
                identity: identity.fingerprint(),
                after: self.logs().length(*account, identity).saturating_sub(1),
            };
            let fetched = self.device.call(FetchLogs { logs: of.iter().map(after).collect() }).await?;
            let count: usize = fetched.logs.iter().map(Vec::len).sum();
            let known = self.entries_known(of);
            let mut shorter = Vec::new();
            for (log, entries) in of.iter().zip(fetched.logs) {
                if entries.is_empty() && self.logs().length(log.0, &log.1) > 0 {
                    shorter.push(*log);
                } else if let Err(why) = self.take_entries(log.0, log.1, entries).await? {
                    refused.insert(log.0, why);
                }
            }
            // An answer that is full of what is known already is no progress.
            let is_all = count < MAX_LOG_ENTRIES || !refused.is_empty() || self.entries_known(of) == known;
            if !is_all {
                continue;
            }
            for (account, identity) in shorter {
                // The server has less than this device, or something else.
                let there = self.fetch_whole_log(account, identity).await?;
                let there = there.and_then(|there| self.compare_with_known(account, identity, &there));
                if let Err(why) = there {
                    refused.insert(account, why);
                }
            }
            return Ok(());
        }
    }

    fn entries_known(&self, of: &[(AccountId, IdentityPublic)]) -> u64 {
        let logs = self.logs();
        of.iter().map(|(account, identity)| u64::from(logs.length(*account, identity))).sum()
    }

    /// A log from its first entry on, verified, whatever is known of it.
    pub(crate) async fn fetch_whole_log(
        &self,
        account: AccountId,
        identity: IdentityPublic,
    ) -> Result<Result<KnownLog, LogRefused>, Interruption> {
        let mut whole = KnownLog::of_taken(account, identity, Vec::new());
        loop {
            let after = whole.log.len();
            let request = LogAfter { account, identity: identity.fingerprint(), after };
            let fetched = self.device.call(FetchLogs { logs: vec![request] }).await?.logs.pop();
            let entries = fetched.unwrap_or_default();
            let is_last = entries.len() < MAX_LOG_ENTRIES || after > MAX_LOG_LENGTH;
            for entry in entries {
                if let Err(why) = whole.take(entry) {
                    return Ok(Err(why));
                }
            }
            if is_last {
                return Ok(Ok(whole));
            }
        }
    }

    /// Whether one of the log that is known and the one that is there goes on from the other.
    fn compare_with_known(
        &self,
        account: AccountId,
        identity: IdentityPublic,
        there: &KnownLog,
    ) -> Result<(), LogRefused> {
        let logs = self.logs();
        let Some(known) = logs.known(account, identity.fingerprint()) else { return Ok(()) };
        let both = known.log.len().min(there.log.len());
        let is_one = known.log.head_at(both) == there.log.head_at(both);
        if is_one { Ok(()) } else { Err(LogRefused::Fork) }
    }

    /// Looks at the whole log that the server shows in the place of the one that was seen. Takes it up if the pin speaks of
    /// it: the user has accepted it, here or on another device.
    async fn look_again(&self, account: AccountId, identity: IdentityPublic) -> Result<Shown, Interruption> {
        let there = match self.fetch_whole_log(account, identity).await? {
            Ok(there) => there,
            Err(why) => return Ok(Shown::Forged(why)),
        };
        self.refresh_vault().await?;
        match self.hold_against_pin(account, identity).await? {
            // What is known is what the pin speaks of.
            Ok(()) => match self.compare_with_known(account, identity, &there) {
                Ok(()) => Ok(Shown::Same),
                Err(why) => Ok(Shown::Another(why)),
            },
            Err(why) if self.pin_with(account, &identity).is_some_and(|pin| !pin.speaks_of(&there.log)) => {
                Ok(Shown::Another(why))
            }
            Err(_) => {
                self.take_another_log(account, identity, there).await?;
                let held = self.hold_against_pin(account, identity).await?;
                Ok(held.map_or_else(Shown::Another, |()| Shown::Same))
            }
        }
    }

    /// Puts another log in the place of the one that is known. Which devices had ended there, as far as their account has
    /// spoken of it, stays known.
    pub(crate) async fn take_another_log(
        &self,
        account: AccountId,
        identity: IdentityPublic,
        mut log: KnownLog,
    ) -> Result<(), StoreUnavailable> {
        let before = self.logs().known(account, identity.fingerprint()).cloned();
        if let Some(before) = before {
            let heard = self.state().last_heard(account, &before.log);
            let heard = before.entries.iter().take(heard as usize);
            log.ended.extend(heard.filter_map(|entry| match entry.change() {
                Change::Revoked(device) => Some(device),
                Change::Added(..) => None,
            }));
            log.ended.extend(before.ended);
        }
        let kept = log.to_keep();
        self.logs().0.insert((account, identity.fingerprint()), log);
        self.keep_log(account, identity.fingerprint(), &kept).await
    }

    /// The devices of an account that can take a message now.
    pub(crate) fn active_devices(&self, account: AccountId, identity: &IdentityPublic) -> BTreeSet<DeviceId> {
        let logs = self.logs();
        let log = logs.get(account, identity.fingerprint());
        log.map(|log| log.active().map(|(device, _)| device).collect()).unwrap_or_default()
    }

    /// Reads what this device has kept of a log, if none of it is known yet.
    pub(crate) async fn load_log(
        &self,
        account: AccountId,
        identity: IdentityPublic,
    ) -> Result<(), StoreUnavailable> {
        let fingerprint = identity.fingerprint();
        if self.logs().known(account, fingerprint).is_some() {
            return Ok(());
        }
        let name = self.records.log(account, fingerprint);
        let record = self.device.read(&name).await?;
        let kept = record.and_then(|sealed| self.records.open::<KeptLog>(&name, &sealed)).unwrap_or_default();
        let known = KnownLog { ended: kept.ended, ..KnownLog::of_taken(account, identity, kept.entries) };
        self.logs().0.entry((account, fingerprint)).or_insert(known);
        Ok(())
    }

    /// Takes entries that follow one another, those among them that are known already.
    pub(crate) async fn take_entries(
        &self,
        account: AccountId,
        identity: IdentityPublic,
        entries: Vec<LogEntry>,
    ) -> Result<Result<(), LogRefused>, StoreUnavailable> {
        let fingerprint = identity.fingerprint();
        let kept = {
            let mut logs = self.logs();
            let empty = || KnownLog::of_taken(account, identity, Vec::new());
            let known = logs.0.entry((account, fingerprint)).or_insert_with(empty);
            let before = known.log.len();
            for entry in entries {
                // Another tab's call may have brought it meanwhile.
                if entry.position() <= known.log.len() {
                    if known.log.head_at(entry.position()) != Some(entry.hash(account)) {
                        return Ok(Err(LogRefused::Fork));
                    }
                } else if let Err(why) = known.take(entry) {
                    return Ok(Err(why));
                }
            }
            if known.log.len() == before {
                return Ok(Ok(()));
            }
            known.to_keep()
        };
        self.keep_log(account, fingerprint, &kept).await?;
        Ok(Ok(()))
    }

    fn pin_with(&self, account: AccountId, identity: &IdentityPublic) -> Option<Pin> {
        self.vault.pin(account).filter(|pin| pin.current() == Some(identity))
    }

    /// Whether the log goes on from what any device of this account has seen of it; if it has grown, that is seen now.
    pub(crate) async fn hold_against_pin(
        &self,
        account: AccountId,
        identity: IdentityPublic,
    ) -> Result<Result<(), LogRefused>, Interruption> {
        let Some(pin) = self.pin_with(account, &identity) else { return Ok(Ok(())) };
        let seen = pin.seen_log();
        let now = {
            let mut logs = self.logs();
            let Some(known) = logs.0.get_mut(&(account, identity.fingerprint())) else { return Ok(Ok(())) };
            known.is_off_pin = !pin.speaks_of(&known.log);
            if known.is_off_pin {
                let is_shorter = known.log.len() < seen.length;
                return Ok(Err(if is_shorter { LogRefused::Gap } else { LogRefused::Fork }));
            }
            SeenLog { length: known.log.len(), head: known.log.head() }
        };
        if now.length > seen.length {
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

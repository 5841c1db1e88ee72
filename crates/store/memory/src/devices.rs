use async_trait::async_trait;
use crypto::{
    device_log::{Change, LogEntry},
    id::{AccountId, Fingerprint, SessionId},
};
use relay::port::{Devices, LogOutcome, NewLogEntry, StoreError};

use crate::MemoryStore;

#[async_trait]
impl Devices for MemoryStore {
    async fn device_log(
        &self,
        account: AccountId,
        identity: Fingerprint,
        after: u32,
        limit: usize,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let state = self.lock();
        let log = state.device_logs.get(&(account, identity)).map_or(&[][..], Vec::as_slice);
        Ok(log.iter().skip(after as usize).take(limit).cloned().collect())
    }

    async fn append_log(&self, entry: NewLogEntry) -> Result<LogOutcome, StoreError> {
        let mut state = self.lock();
        let state = &mut *state;
        let NewLogEntry { account, identity, entry, session } = entry;
        let found = state.accounts.get_mut(&account);
        let Some(found) = found.filter(|found| found.registered.identity.fingerprint() == identity) else {
            return Ok(LogOutcome::Conflict);
        };
        let log = state.device_logs.entry((account, identity)).or_default();
        let stands = log.contains(&entry);
        if !stands && log.len() as u32 + 1 != entry.position() {
            return Ok(LogOutcome::Conflict);
        }
        let change = entry.change();
        let later = log.get(entry.position() as usize..).unwrap_or_default();
        if let Change::Added(device, _) = change
            && later.iter().any(|later| later.change() == Change::Revoked(device))
        {
            return Ok(LogOutcome::Conflict);
        }
        if !stands {
            log.push(entry);
        }
        match change {
            Change::Added(device, key) => {
                let asking = state.sessions.get_mut(&session);
                if let Some(asking) = asking.filter(|asking| asking.account() == account) {
                    asking.device = Some((device, key));
                }
                Ok(LogOutcome::Done(Vec::new()))
            }
            Change::Revoked(_) if stands => Ok(LogOutcome::Done(Vec::new())),
            Change::Revoked(device) => {
                found.pools.remove(&Some(device));
                // Whoever says it stays.
                let asking = state.sessions.get_mut(&session).filter(|asking| asking.account() == account);
                if let Some(asking) = asking
                    && asking.device.is_some_and(|(bound, _)| bound == device)
                {
                    asking.device = None;
                }
                let ended = state.sessions.extract_if(|_, live| {
                    live.account() == account && live.device.is_some_and(|(bound, _)| bound == device)
                });
                let ended: Vec<SessionId> = ended.map(|(session, _)| session).collect();
                Ok(LogOutcome::Done(ended))
            }
        }
    }
}

use crypto::device_log::{Change, DeviceLog, LogRefused};
use protocol::{
    Refusal,
    device::{AppendLog, LogAppended},
    limits::MAX_LOG_LENGTH,
    refusal::Code,
};
use tracing::{info, warn};

use crate::{
    Caller, Relay,
    port::{LogOutcome, NewLogEntry},
};

impl Relay {
    /// Appends an entry to the caller's device log. A device that is added becomes the one of this session; a device that is
    /// revoked loses its session at once, and its prekeys.
    ///
    /// # Errors
    /// [`Code::VersionConflict`] when another device was faster; [`Code::InvalidKeys`] for an entry that the identity key
    /// did not sign, or that brings a device back; [`Code::QuotaExceeded`] when the log is full.
    pub async fn append_log(&self, caller: &Caller, request: AppendLog) -> Result<LogAppended, Refusal> {
        let AppendLog { entry } = request;
        let account = caller.account();
        if entry.position() > MAX_LOG_LENGTH {
            let message =
                "The device log of this account is full: nobody can sign in on a new device any more";
            return Err(Refusal::because(Code::QuotaExceeded, message));
        }
        let bundle = self.0.store.find_keys(&[account]).await?.pop().ok_or(Code::NotSignedIn)?;
        let identity = bundle.identity.fingerprint();
        let before = entry.position().saturating_sub(1) as usize;
        let entries = self.0.store.device_log(account, identity, 0, before).await?;
        let mut log = DeviceLog::of_taken(account, bundle.identity, &entries);
        log.take(&entry).map_err(|refused| {
            warn!(%account, %refused, "device log: an entry was refused");
            match refused {
                LogRefused::Gap | LogRefused::Fork => Refusal::new(Code::VersionConflict),
                LogRefused::Signature | LogRefused::Device => {
                    Refusal::because(Code::InvalidKeys, format!("The entry is not taken: {refused}"))
                }
            }
        })?;
        let change = entry.change();
        let new = NewLogEntry { account, identity, entry, session: caller.session() };
        let LogOutcome::Done(ended) = self.0.store.append_log(new).await? else {
            return Err(Code::VersionConflict.into());
        };
        self.0.events.sessions_changed(account, &ended);
        match change {
            Change::Added(device, _) => info!(%account, %device, "device log: a device was added"),
            Change::Revoked(device) => info!(%account, %device, "device log: a device was revoked"),
        }
        Ok(LogAppended {})
    }
}

use protocol::{
    Refusal,
    device::{FetchLogs, LogAfter, Logs},
    limits::{MAX_LOG_ENTRIES, MAX_LOGS},
    refusal::Code,
};

use crate::{Caller, Relay};

impl Relay {
    /// What device logs hold after what is known of them.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when too many are asked for at once.
    pub async fn fetch_logs(&self, _caller: &Caller, request: FetchLogs) -> Result<Logs, Refusal> {
        if request.logs.len() > MAX_LOGS {
            let message = format!("Ask for at most {MAX_LOGS} device logs at once");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        let mut room = MAX_LOG_ENTRIES;
        let mut logs = Vec::with_capacity(request.logs.len());
        for LogAfter { account, identity, after } in request.logs {
            let entries = self.0.store.device_log(account, identity, after, room).await?;
            room -= entries.len();
            logs.push(entries);
        }
        Ok(Logs { logs })
    }
}

use protocol::{
    Refusal,
    account::{LoggedOut, Logout},
};
use tracing::info;

use super::Caller;
use crate::Relay;

impl Relay {
    /// Ends the caller's session, on every machine and at once.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn logout(&self, caller: &Caller, Logout {}: Logout) -> Result<LoggedOut, Refusal> {
        self.0.store.end_session(caller.account, caller.session).await?;
        self.0.events.sessions_changed(caller.account, &[caller.session]);
        info!(account = %caller.account, "logout: a session ended");
        Ok(LoggedOut {})
    }
}

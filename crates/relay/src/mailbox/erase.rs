use protocol::{
    Refusal,
    limits::MAX_PAGE_ITEMS,
    mailbox::{Erase, Erased},
    refusal::Code,
};
use tracing::{debug, info};

use crate::{Caller, Relay};

/// Envelopes that are erased in one transaction, so that nobody waits long for the next.
const ERASED_AT_ONCE: usize = 500;

impl Relay {
    /// Erases messages in the caller's mailbox, or, of those that the caller has sent, in everybody's.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for too many.
    pub async fn erase(&self, caller: &Caller, request: Erase) -> Result<Erased, Refusal> {
        let Erase { messages, for_everyone } = request;
        if messages.len() > MAX_PAGE_ITEMS as usize {
            let message = format!("Erase at most {MAX_PAGE_ITEMS} messages at once");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        let erased = self.0.store.erase(caller.account(), messages, for_everyone).await?.messages;
        debug!(account = %caller.account(), erased, for_everyone, "messages were erased");
        Ok(Erased { erased })
    }

    /// Erases what was to disappear by now; to be called every few seconds. How many messages there were.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn erase_expired(&self) -> Result<usize, Refusal> {
        let mut erased = 0;
        loop {
            let now = self.0.store.erase_expired(self.0.now_ms(), ERASED_AT_ONCE).await?;
            erased += now;
            if now < ERASED_AT_ONCE {
                break;
            }
        }
        if erased > 0 {
            info!(erased, "messages disappeared");
        }
        Ok(erased)
    }
}

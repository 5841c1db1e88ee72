use protocol::{
    Refusal,
    profile::{Changed, DeleteAccount},
};
use tracing::info;

use crate::{Caller, Relay, mail::Event, session::not_the_password};

impl Relay {
    /// Deletes the caller's account with all that is its own. What others hold of its messages stays theirs.
    ///
    /// # Errors
    /// What [proving](protocol::proof) refuses.
    pub async fn delete_account(&self, caller: &Caller, request: DeleteAccount) -> Result<Changed, Refusal> {
        let DeleteAccount { proof } = request;
        let (credentials, proven) = self.prove(caller, proof).await?;
        let account = caller.account();
        let ended =
            self.0.store.delete_account(proven, self.0.now_ms()).await?.ok_or_else(not_the_password)?;
        self.0.events.sessions_changed(account, &ended);
        info!(%account, "account: deleted by its owner");
        self.notify(credentials.email.as_ref(), &credentials.username, Event::AccountDeleted).await;
        Ok(Changed {})
    }
}

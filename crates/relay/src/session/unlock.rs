use protocol::{Binary, Refusal, account::SignedIn, proof::Proof, refusal::Code, session::Unlock};
use tracing::{error, info};

use super::Caller;
use crate::Relay;

impl Relay {
    /// Opens a page that was locked, within the session that goes on. The second factor was asked for when it began.
    ///
    /// # Errors
    /// [`Code::WrongCredentials`], [`Code::TooManyRequests`], [`Code::Busy`]; [`Code::NotSignedIn`] when the session was
    /// ended meanwhile.
    pub async fn unlock(&self, caller: &Caller, request: Unlock) -> Result<SignedIn, Refusal> {
        let Unlock { proof: Proof { auth_key, code: _ } } = request;
        let credentials = self.prove_password(caller, &auth_key).await?;
        let Some(live) = self.0.store.find_session(caller.session).await? else {
            return Err(Code::NotSignedIn.into());
        };
        let account = caller.account;
        let Some(wrapped) = self.0.secrets.open_wrap(account, &auth_key, &credentials.sealed_wrap) else {
            error!(%account, "unlock: the account's wrap does not open; was the server's secret replaced?");
            return Err(Code::Internal.into());
        };
        info!(%account, "unlock: a page was opened again");
        Ok(SignedIn {
            account,
            username: live.username,
            session: caller.session,
            token: None,
            unlock_half: Binary(live.unlock_half.to_vec()),
            kdf: credentials.kdf,
            wrapped_by_password: Some(wrapped),
            mailbox_end: live.mailbox_end,
        })
    }
}

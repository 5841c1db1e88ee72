use protocol::{
    Binary, Refusal,
    account::{CurrentSession, SignedIn},
    refusal::Code,
};

use super::Caller;
use crate::Relay;

impl Relay {
    /// Who is signed in. It does not hold the wrapped account key: that takes the password.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the session was ended meanwhile.
    pub async fn current_session(
        &self,
        caller: &Caller,
        CurrentSession {}: CurrentSession,
    ) -> Result<SignedIn, Refusal> {
        let Some(live) = self.0.store.find_session(caller.session).await? else {
            return Err(Code::NotSignedIn.into());
        };
        Ok(SignedIn {
            account: live.account,
            username: live.username,
            session: caller.session,
            token: None,
            unlock_half: Binary(live.unlock_half.to_vec()),
            kdf: live.kdf,
            wrapped_by_password: None,
            mailbox_end: live.mailbox_end,
        })
    }
}

use protocol::{
    Binary, Refusal,
    account::{Login, SignedIn},
    refusal::Code,
};
use tracing::{error, info, warn};

use super::{SessionToken, checked_device_name, expired_by};
use crate::{
    Relay,
    port::{Busy, PasswordHash},
};

impl Relay {
    /// Proves a password and begins a session. An unknown name and a wrong password look alike: the same answer after
    /// the same work.
    ///
    /// # Errors
    /// [`Code::WrongCredentials`]; [`Code::TooManyRequests`] after too many tries; [`Code::InvalidRequest`] for a device
    /// name that cannot be shown; [`Code::Busy`].
    pub async fn login(&self, request: Login) -> Result<(SignedIn, SessionToken), Refusal> {
        let Login { username, auth_key, code: _, device_name } = request;
        let device_name = checked_device_name(&device_name)?;
        let now_ms = self.0.now_ms();
        self.0.attempts.login(&username, now_ms).inspect_err(|_| warn!("login: too many attempts"))?;

        let credentials = self.0.store.find_credentials(&username).await;
        let credentials = credentials.inspect_err(|_| self.0.attempts.login_unchecked(&username))?;
        let hash = match &credentials {
            Some(credentials) => credentials.password_hash.clone(),
            None => PasswordHash::of_nobody(self.0.policy.bcrypt_cost),
        };
        let is_right = self.0.passwords.verify(auth_key.clone(), hash).await.map_err(|busy| {
            self.0.attempts.login_unchecked(&username);
            busy_refusal(busy)
        })?;
        let Some(credentials) = credentials.filter(|_| is_right) else {
            warn!("login: wrong credentials");
            return Err(Code::WrongCredentials.into());
        };
        self.0.attempts.login_succeeded(&username);

        let account = credentials.account;
        let Some(wrapped) = self.0.secrets.open_wrap(account, &auth_key, &credentials.sealed_wrap) else {
            error!(%account, "login: the account's wrap does not open; was the server's secret replaced?");
            return Err(Code::Internal.into());
        };
        let session = self.new_session(account, device_name, now_ms);
        let mailbox_end = self.0.store.begin_session(session.clone(), expired_by(now_ms)).await?;
        info!(%account, "login: a session began");
        let token = self.first_token(&session);
        let signed_in = SignedIn {
            account,
            username,
            session: session.session,
            token: None,
            unlock_half: Binary(session.unlock_half.to_vec()),
            kdf: credentials.kdf,
            wrapped_by_password: Some(wrapped),
            mailbox_end,
        };
        Ok((signed_in, token))
    }
}

pub(crate) fn busy_refusal(Busy: Busy) -> Refusal {
    warn!("too many passwords are being checked");
    Refusal::new(Code::Busy).retry_after(2)
}

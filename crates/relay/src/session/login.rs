use protocol::{
    Binary, Refusal,
    account::{Login, SignedIn},
    refusal::Code,
};
use tracing::{error, info, warn};

use super::{SessionToken, checked_device_name, expired_by};
use crate::{Network, Relay, mail::Event, port::Busy, second_factor::Holder};

impl Relay {
    /// Proves a password, and a code where the second factor is on, and begins a session. An unknown name and a wrong
    /// password look alike: the same answer after the same work.
    ///
    /// # Errors
    /// [`Code::WrongCredentials`]; [`Code::SecondFactorRequired`] and [`Code::WrongCode`], when the password is right;
    /// [`Code::TooManyRequests`] after too many tries; [`Code::InvalidRequest`] for a device name that cannot be shown;
    /// [`Code::Busy`].
    pub async fn login(&self, request: Login, network: Network) -> Result<(SignedIn, SessionToken), Refusal> {
        let Login { username, auth_key, code, device_name } = request;
        let device_name = checked_device_name(&device_name)?;
        let credentials = self.0.store.find_credentials(&username).await?;
        self.check_password(&username, credentials.as_ref(), &auth_key, network).await?;
        let credentials = credentials.ok_or(Code::WrongCredentials)?;
        self.check_second_factor(Holder::of(&credentials), code).await?;

        let now_ms = self.0.now_ms();
        let account = credentials.account;
        let Some(wrapped) = self.0.secrets.open_wrap(account, &auth_key, &credentials.sealed_wrap) else {
            error!(%account, "login: the account's wrap does not open; was the server's secret replaced?");
            return Err(Code::Internal.into());
        };
        let session = self.new_session(account, device_name, now_ms);
        // The password may have been changed while this one was being checked.
        let begun = self
            .0
            .store
            .begin_session(session.clone(), expired_by(now_ms), credentials.password_hash)
            .await?;
        let mailbox_end = begun.ok_or(Code::WrongCredentials)?;
        info!(%account, "login: a session began");
        self.0.events.sessions_changed(account, &[]);
        if credentials.login_mails {
            let event = Event::SignedIn { device_name: session.device_name.clone() };
            self.notify(credentials.email.as_ref(), &username, event).await;
        }
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

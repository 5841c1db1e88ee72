use async_trait::async_trait;
use crypto::id::{AccountId, TokenHash};
use protocol::EmailAddress;
use relay::port::{ArmedEmail, ConfirmedEmail, Emails, Proven, StoreError};

use crate::{
    MemoryStore,
    account::{Armed, EmailWish},
};

#[async_trait]
impl Emails for MemoryStore {
    async fn wish_email(
        &self,
        proven: Proven,
        email: Option<EmailAddress>,
        _at_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.proven(&proven) else { return Ok(false) };
        if email.is_none() {
            found.registered.email = None;
        }
        found.email_wish = email.map(|email| EmailWish { email, armed: None });
        Ok(true)
    }

    async fn arm_email(
        &self,
        account: AccountId,
        token: TokenHash,
        at_ms: u64,
    ) -> Result<Option<ArmedEmail>, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(None) };
        Ok(found.email_wish.as_mut().map(|wish| {
            wish.armed = Some(Armed { token, at_ms });
            ArmedEmail { username: found.registered.username.clone(), email: wish.email.clone() }
        }))
    }

    async fn confirm_email(
        &self,
        token: TokenHash,
        armed_after_ms: u64,
    ) -> Result<Option<ConfirmedEmail>, StoreError> {
        let mut state = self.lock();
        let is_confirmed = |wish: &mut EmailWish| {
            wish.armed.is_some_and(|armed| armed.token == token && armed.at_ms > armed_after_ms)
        };
        let confirmed = state.accounts.values_mut().find_map(|found| {
            let wish = found.email_wish.take_if(is_confirmed)?;
            found.reset = None;
            Some((found, wish))
        });
        Ok(confirmed.map(|(found, wish)| ConfirmedEmail {
            account: found.registered.account,
            username: found.registered.username.clone(),
            before: found.registered.email.replace(wish.email.clone()),
            now: wish.email,
        }))
    }
}

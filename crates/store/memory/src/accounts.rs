use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, SessionId},
};
use protocol::{Username, profile::SealedVault};
use relay::port::{
    Accounts, Credentials, InviteUse, NewAccount, NewSession, NewWraps, Proven, Registered, StoreError,
    StoredProfile,
};

use crate::{
    MemoryStore,
    account::{Account, Totp},
    sessions::{Session, end_sessions},
};

#[async_trait]
impl Accounts for MemoryStore {
    async fn register(
        &self,
        account: NewAccount,
        session: NewSession,
        invite: Option<InviteUse>,
    ) -> Result<Registered, StoreError> {
        let mut state = self.lock();
        let NewAccount { account: id, username, .. } = &account;
        if state.names.contains_key(username) || state.deleted.values().any(|name| name == username) {
            return Ok(Registered::UsernameTaken);
        }
        if state.accounts.contains_key(id) || state.deleted.contains_key(id) {
            return Ok(Registered::AccountTaken);
        }
        // The last thing that can be refused: an invitation that is used up has its account.
        if let Some(invite) = invite
            && !state.use_invite(invite)
        {
            return Ok(Registered::InviteRefused);
        }
        state.names.insert(username.clone(), *id);
        state.sessions.insert(session.session, Session::new(session));
        state.accounts.insert(*id, Account::new(account));
        Ok(Registered::Done)
    }

    async fn find_credentials(&self, username: &Username) -> Result<Option<Credentials>, StoreError> {
        let state = self.lock();
        let account = state.names.get(username).and_then(|account| state.accounts.get(account));
        Ok(account.map(Account::credentials))
    }

    async fn credentials_of(&self, account: AccountId) -> Result<Option<Credentials>, StoreError> {
        Ok(self.lock().accounts.get(&account).map(Account::credentials))
    }

    async fn find_profile(&self, account: AccountId) -> Result<Option<StoredProfile>, StoreError> {
        let state = self.lock();
        Ok(state.accounts.get(&account).map(|found| StoredProfile {
            username: found.registered.username.clone(),
            created_at_ms: found.registered.created_at_ms,
            email: found.registered.email.clone(),
            pending_email: found.email_wish.as_ref().map(|wish| wish.email.clone()),
            login_mails: found.login_mails,
            totp_since_ms: match found.totp {
                Totp::On { since_ms, .. } => Some(since_ms),
                Totp::Off | Totp::Pending(_) => None,
            },
            recovery_codes_left: u32::try_from(found.recovery_codes.len()).unwrap_or(u32::MAX),
            wrapped_by_recovery_key: found.registered.wrapped_by_recovery_key.clone(),
            recovery_key_made_at_ms: found.recovery_key_made_at_ms,
            sealed_vaults: found
                .sealed_vaults
                .iter()
                .map(|(number, put_away)| SealedVault {
                    number: *number,
                    sealed_at_ms: put_away.at_ms,
                    kdf: put_away.vault.kdf,
                })
                .collect(),
        }))
    }

    async fn change_password(
        &self,
        proven: Proven,
        wraps: NewWraps,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.proven(&proven) else { return Ok(None) };
        found.set_password(wraps);
        found.reset = None;
        Ok(Some(end_sessions(&mut state.sessions, proven.account, Some(proven.session))))
    }

    async fn change_recovery_wrap(
        &self,
        proven: Proven,
        wrapped_by_recovery_key: WrappedAccountKey,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.proven(&proven) else { return Ok(false) };
        found.registered.wrapped_by_recovery_key = wrapped_by_recovery_key;
        found.recovery_key_made_at_ms = at_ms;
        Ok(true)
    }

    async fn set_login_mails(&self, account: AccountId, login_mails: bool) -> Result<(), StoreError> {
        if let Some(found) = self.lock().accounts.get_mut(&account) {
            found.login_mails = login_mails;
        }
        Ok(())
    }

    async fn delete_account(
        &self,
        proven: Proven,
        _at_ms: u64,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut state = self.lock();
        if state.proven(&proven).is_none() {
            return Ok(None);
        }
        let account = proven.account;
        let ended = end_sessions(&mut state.sessions, account, None);
        if let Some(gone) = state.accounts.remove(&account) {
            state.names.remove(&gone.registered.username);
            state.deleted.insert(account, gone.registered.username);
            state.forget_contents(gone.mailbox.iter().map(|delivery| delivery.message).collect());
        }
        Ok(Some(ended))
    }
}

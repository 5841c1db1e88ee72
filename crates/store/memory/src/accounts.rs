use std::collections::HashSet;

use async_trait::async_trait;
use crypto::{
    account_key::WrappedAccountKey,
    id::{AccountId, MessageId, SessionId},
};
use protocol::{Username, profile::SealedVault};
use relay::port::{
    Accounts, Credentials, InviteUse, NewAccount, NewSession, PasswordChange, Registered, StoreError,
    StoredProfile,
};

use crate::{
    MemoryStore, State,
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

    async fn change_password(&self, change: PasswordChange) -> Result<Vec<SessionId>, StoreError> {
        let mut state = self.lock();
        let PasswordChange { account, keep, wraps } = change;
        if let Some(found) = state.accounts.get_mut(&account) {
            found.set_password(wraps);
            found.reset = None;
        }
        Ok(end_sessions(&mut state.sessions, account, Some(keep)))
    }

    async fn change_recovery_wrap(
        &self,
        account: AccountId,
        wrapped_by_recovery_key: WrappedAccountKey,
        at_ms: u64,
    ) -> Result<(), StoreError> {
        if let Some(found) = self.lock().accounts.get_mut(&account) {
            found.registered.wrapped_by_recovery_key = wrapped_by_recovery_key;
            found.recovery_key_made_at_ms = at_ms;
        }
        Ok(())
    }

    async fn set_login_mails(&self, account: AccountId, login_mails: bool) -> Result<(), StoreError> {
        if let Some(found) = self.lock().accounts.get_mut(&account) {
            found.login_mails = login_mails;
        }
        Ok(())
    }

    async fn delete_account(&self, account: AccountId, _at_ms: u64) -> Result<Vec<SessionId>, StoreError> {
        let mut state = self.lock();
        let ended = end_sessions(&mut state.sessions, account, None);
        if let Some(gone) = state.accounts.remove(&account) {
            state.names.remove(&gone.registered.username);
            state.deleted.insert(account, gone.registered.username);
            state.forget_contents(gone.mailbox.iter().map(|delivery| delivery.message).collect());
        }
        Ok(ended)
    }
}

impl State {
    /// Of those of these envelopes that are in nobody's mailbox any more.
    fn forget_contents(&mut self, mut messages: HashSet<MessageId>) {
        for delivery in self.accounts.values().flat_map(|account| &account.mailbox) {
            messages.remove(&delivery.message);
        }
        for message in messages {
            if let Some(envelope) = self.envelopes.get_mut(&message) {
                envelope.shared = Vec::new();
            }
        }
    }
}

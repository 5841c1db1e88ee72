use async_trait::async_trait;
use crypto::id::{AccountId, SessionId, TokenHash};
use relay::port::{Proven, SecondFactors, StoreError, StoredTotp};

use crate::{MemoryStore, account::Totp, sessions::end_sessions};

#[async_trait]
impl SecondFactors for MemoryStore {
    async fn begin_totp(&self, proven: Proven, sealed_secret: Vec<u8>) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.proven(&proven) else { return Ok(false) };
        if found.totp.on().is_some() {
            return Ok(false);
        }
        found.totp = Totp::Pending(sealed_secret);
        Ok(true)
    }

    async fn find_pending_totp(&self, account: AccountId) -> Result<Option<Vec<u8>>, StoreError> {
        let state = self.lock();
        Ok(state.accounts.get(&account).and_then(|found| match &found.totp {
            Totp::Pending(sealed_secret) => Some(sealed_secret.clone()),
            Totp::Off | Totp::On { .. } => None,
        }))
    }

    async fn enable_totp(
        &self,
        account: AccountId,
        sealed_secret: Vec<u8>,
        step: u64,
        codes: Vec<TokenHash>,
        at_ms: u64,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(false) };
        match &found.totp {
            Totp::Pending(pending) if *pending == sealed_secret => {}
            Totp::Pending(_) | Totp::Off | Totp::On { .. } => return Ok(false),
        }
        found.totp = Totp::On { totp: StoredTotp { sealed_secret, last_step: step }, since_ms: at_ms };
        found.recovery_codes = codes.into_iter().collect();
        Ok(true)
    }

    async fn use_totp_step(&self, account: AccountId, step: u64) -> Result<bool, StoreError> {
        let mut state = self.lock();
        Ok(match state.accounts.get_mut(&account).map(|found| &mut found.totp) {
            Some(Totp::On { totp, .. }) if totp.last_step < step => {
                totp.last_step = step;
                true
            }
            Some(Totp::On { .. } | Totp::Off | Totp::Pending(_)) | None => false,
        })
    }

    async fn use_recovery_code(&self, account: AccountId, code: TokenHash) -> Result<bool, StoreError> {
        let mut state = self.lock();
        Ok(state.accounts.get_mut(&account).is_some_and(|found| found.recovery_codes.remove(&code)))
    }

    async fn replace_recovery_codes(
        &self,
        proven: Proven,
        codes: Vec<TokenHash>,
    ) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.proven(&proven) else { return Ok(false) };
        if found.totp.on().is_none() {
            return Ok(false);
        }
        found.recovery_codes = codes.into_iter().collect();
        Ok(true)
    }

    async fn disable_totp(
        &self,
        account: AccountId,
        proven: Option<Proven>,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut state = self.lock();
        if let Some(proven) = &proven
            && (proven.account != account || state.proven(proven).is_none())
        {
            return Ok(None);
        }
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(None) };
        if std::mem::take(&mut found.totp).on().is_none() {
            return Ok(None);
        }
        found.recovery_codes.clear();
        let keep = proven.map(|proven| proven.session);
        Ok(Some(end_sessions(&mut state.sessions, account, keep)))
    }
}

use async_trait::async_trait;
use crypto::{
    id::{AccountId, SessionId, TokenHash},
    vault::VaultKind,
};
use protocol::directory::User;
use relay::port::{RedeemedKeys, Redemption, Resets, StandingReset, StoreError};

use crate::{
    MemoryStore,
    account::{Armed, first_rows},
    sessions::end_sessions,
};

/// Accounts that are found by one address: each is a mail, so asking for one address must not become thousands.
const MOST_OF_ONE_ADDRESS: usize = 50;

#[async_trait]
impl Resets for MemoryStore {
    async fn accounts_of_email(&self, folded: &str) -> Result<Vec<User>, StoreError> {
        let state = self.lock();
        let has_it = |account| {
            let email = state.accounts.get(account).and_then(|found| found.registered.email.as_ref());
            email.is_some_and(|email| email.folded() == folded)
        };
        let named = state.names.iter().filter(|(_, account)| has_it(account));
        Ok(named
            .take(MOST_OF_ONE_ADDRESS)
            .map(|(name, account)| User { account: *account, username: name.clone() })
            .collect())
    }

    async fn arm_reset(&self, account: AccountId, token: TokenHash, at_ms: u64) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(false) };
        found.reset = Some(Armed { token, at_ms });
        Ok(true)
    }

    async fn find_reset(&self, token: TokenHash) -> Result<Option<StandingReset>, StoreError> {
        let state = self.lock();
        let armed = state.accounts.values().find_map(|found| {
            let armed = found.reset.filter(|armed| armed.token == token)?;
            Some((found, armed))
        });
        let Some((found, armed)) = armed else { return Ok(None) };
        let Some(identity_row) = found.vault.get(&(VaultKind::Identity, Vec::new())) else {
            return Err(StoreError::Corrupt { table: "vault", problem: "a vault has no identity".into() });
        };
        Ok(Some(StandingReset {
            account: found.registered.account,
            username: found.registered.username.clone(),
            armed_at_ms: armed.at_ms,
            totp: found.totp.on().cloned(),
            email: found.registered.email.clone(),
            wrapped_by_recovery_key: found.registered.wrapped_by_recovery_key.clone(),
            identity: found.registered.identity,
            prekey: found.registered.prekey.clone(),
            identity_row: identity_row.clone(),
        }))
    }

    async fn redeem_reset(&self, redemption: Redemption) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut state = self.lock();
        let Redemption { token, account, wraps, keys, at_ms } = redemption;
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(None) };
        if found.reset.is_none_or(|armed| armed.token != token) {
            return Ok(None);
        }
        found.reset = None;
        match keys {
            RedeemedKeys::Keep => {}
            RedeemedKeys::Replace { wrapped_by_recovery_key, identity, prekey, vault } => {
                // Before the new password: what is put away is sealed by the old one.
                found.put_vault_away(at_ms);
                found.vault = first_rows(&vault);
                found.registered.wrapped_by_recovery_key = wrapped_by_recovery_key;
                found.recovery_key_made_at_ms = at_ms;
                found.registered.identity = identity;
                found.registered.prekey = prekey;
                found.prekey_at_ms = at_ms;
                // Under the new identity key, all numbers begin anew.
                found.pools.clear();
            }
        }
        found.set_password(wraps);
        Ok(Some(end_sessions(&mut state.sessions, account, None)))
    }
}

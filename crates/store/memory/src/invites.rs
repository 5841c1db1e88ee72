use async_trait::async_trait;
use crypto::id::TokenHash;
use relay::port::{Invite, InviteUse, Invites, NewInvite, StoreError};

use crate::{MemoryStore, State};

#[async_trait]
impl Invites for MemoryStore {
    async fn add_invite(&self, invite: NewInvite) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let NewInvite { token, uses, created_at_ms, expires_at_ms } = invite;
        if state.invites.values().any(|(standing, _)| *standing == token) {
            return Err(StoreError::Failed("the token of an invitation is taken".into()));
        }
        state.last_invite += 1;
        let number = state.last_invite;
        state
            .invites
            .insert(number, (token, Invite { number, uses_left: uses, created_at_ms, expires_at_ms }));
        Ok(number)
    }

    async fn find_invite(&self, token: TokenHash) -> Result<Option<Invite>, StoreError> {
        let state = self.lock();
        let found = state.invites.values().find(|(standing, _)| *standing == token);
        Ok(found.map(|(_, invite)| invite.clone()))
    }

    async fn list_invites(&self) -> Result<Vec<Invite>, StoreError> {
        Ok(self.lock().invites.values().map(|(_, invite)| invite.clone()).collect())
    }

    async fn revoke_invite(&self, number: u64) -> Result<bool, StoreError> {
        Ok(self.lock().invites.remove(&number).is_some())
    }
}

impl State {
    /// A step of a registration. `false`: it is unknown, used up or over.
    pub(crate) fn use_invite(&mut self, invite: InviteUse) -> bool {
        let standing = self.invites.values_mut().find(|(token, _)| *token == invite.token);
        let Some((_, standing)) = standing else { return false };
        if standing.uses_left == 0 || standing.expires_at_ms <= invite.at_ms {
            return false;
        }
        standing.uses_left -= 1;
        true
    }
}

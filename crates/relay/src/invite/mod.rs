//! Invitations: made by the operator, used up by registrations.

use core::time::Duration;

use crypto::one_time::InviteToken;
use tracing::info;

use crate::{
    Relay,
    port::{Invite, NewInvite, StoreError},
};

impl Relay {
    /// Makes an invitation for so many accounts. Only its hash is kept: the token is shown once.
    ///
    /// # Errors
    /// The store's.
    pub async fn make_invite(
        &self,
        uses: u32,
        good_for: Duration,
    ) -> Result<(InviteToken, Invite), StoreError> {
        let token = InviteToken::generate(&mut self.0.rng());
        let created_at_ms = self.0.now_ms();
        let good_for_ms = u64::try_from(good_for.as_millis()).unwrap_or(u64::MAX);
        let expires_at_ms = created_at_ms.saturating_add(good_for_ms);
        let new = NewInvite { token: token.hash(), uses, created_at_ms, expires_at_ms };
        let number = self.0.store.add_invite(new).await?;
        info!(number, uses, "invitation: made");
        Ok((token, Invite { number, uses_left: uses, created_at_ms, expires_at_ms }))
    }

    /// All invitations, also those that are used up or over.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_invites(&self) -> Result<Vec<Invite>, StoreError> {
        self.0.store.list_invites().await
    }

    /// Makes an invitation worthless. `false`: there is none of this number.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_invite(&self, number: u64) -> Result<bool, StoreError> {
        info!(number, "invitation: revoked");
        self.0.store.revoke_invite(number).await
    }
}

use async_trait::async_trait;
use crypto::id::TokenHash;

use super::StoreError;

/// Invitations to make an account.
#[async_trait]
pub trait Invites: Send + Sync {
    /// Keeps an invitation. Its number.
    async fn add_invite(&self, invite: NewInvite) -> Result<u64, StoreError>;

    /// The invitation of this token.
    async fn find_invite(&self, token: TokenHash) -> Result<Option<Invite>, StoreError>;

    /// All invitations, in the order of their numbers.
    async fn list_invites(&self) -> Result<Vec<Invite>, StoreError>;

    /// Makes an invitation worthless. `false`: there is none of this number.
    async fn revoke_invite(&self, number: u64) -> Result<bool, StoreError>;
}

/// An invitation to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvite {
    /// What is kept of its token.
    pub token: TokenHash,
    /// How many accounts may be made with it.
    pub uses: u32,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it is over.
    pub expires_at_ms: u64,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its number.
    pub number: u64,
    /// How many accounts may still be made with it.
    pub uses_left: u32,
    /// When it was made.
    pub created_at_ms: u64,
    /// When it is over.
    pub expires_at_ms: u64,
}

/// An invitation that is used by a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteUse {
    /// What is kept of its token.
    pub token: TokenHash,
    /// When it is used: one that is over by then is refused.
    pub at_ms: u64,
}

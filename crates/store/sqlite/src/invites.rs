use async_trait::async_trait;
use crypto::id::TokenHash;
use relay::port::{Invite, InviteUse, Invites, NewInvite, StoreError};
use sqlx::{SqliteConnection, query, query_as};

use crate::{
    SqliteStore,
    error::store_error,
    rows::{Table, integer},
    writer::Change,
};

const INVITES: Table = Table("invites");

#[async_trait]
impl Invites for SqliteStore {
    async fn add_invite(&self, invite: NewInvite) -> Result<u64, StoreError> {
        self.writer.make(Add(invite)).await
    }

    async fn find_invite(&self, token: TokenHash) -> Result<Option<Invite>, StoreError> {
        let token = token.to_bytes().to_vec();
        let row = query_as!(
            InviteRow,
            "select invite, uses_left, created_at_ms, expires_at_ms from invites where token_hash = ?1",
            token,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.as_ref().map(InviteRow::read).transpose()
    }

    async fn list_invites(&self) -> Result<Vec<Invite>, StoreError> {
        let rows = query_as!(
            InviteRow,
            "select invite, uses_left, created_at_ms, expires_at_ms from invites order by invite",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        rows.iter().map(InviteRow::read).collect()
    }

    async fn revoke_invite(&self, number: u64) -> Result<bool, StoreError> {
        self.writer.make(Revoke { number }).await
    }
}

struct InviteRow {
    invite: i64,
    uses_left: i64,
    created_at_ms: i64,
    expires_at_ms: i64,
}

impl InviteRow {
    fn read(&self) -> Result<Invite, StoreError> {
        Ok(Invite {
            number: INVITES.number(self.invite)?,
            uses_left: INVITES.small_number(self.uses_left)?,
            created_at_ms: INVITES.number(self.created_at_ms)?,
            expires_at_ms: INVITES.number(self.expires_at_ms)?,
        })
    }
}

/// A step of a registration. `false`: it is unknown, used up or over.
pub(crate) async fn use_invite(
    connection: &mut SqliteConnection,
    invite: InviteUse,
) -> Result<bool, StoreError> {
    let token = invite.token.to_bytes().to_vec();
    let at_ms = integer(invite.at_ms);
    query!(
        r#"
        update invites
        set    uses_left = uses_left - 1
        where  token_hash = ?1 and uses_left > 0 and expires_at_ms > ?2
        "#,
        token,
        at_ms,
    )
    .execute(connection)
    .await
    .map(|done| done.rows_affected() > 0)
    .map_err(store_error)
}

struct Add(NewInvite);

#[async_trait]
impl Change for Add {
    type Outcome = u64;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        let token = self.0.token.to_bytes().to_vec();
        let created_at_ms = integer(self.0.created_at_ms);
        let expires_at_ms = integer(self.0.expires_at_ms);
        let row = query!(
            r#"
            insert into invites (token_hash, uses_left, created_at_ms, expires_at_ms)
            values (?1, ?2, ?3, ?4)
            returning invite
            "#,
            token,
            self.0.uses,
            created_at_ms,
            expires_at_ms,
        )
        .fetch_one(connection)
        .await
        .map_err(store_error)?;
        INVITES.number(row.invite)
    }
}

struct Revoke {
    number: u64,
}

#[async_trait]
impl Change for Revoke {
    type Outcome = bool;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<bool, StoreError> {
        let number = integer(self.number);
        query!("delete from invites where invite = ?1", number)
            .execute(connection)
            .await
            .map(|done| done.rows_affected() > 0)
            .map_err(store_error)
    }
}

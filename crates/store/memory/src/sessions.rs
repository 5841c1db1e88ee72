use async_trait::async_trait;
use crypto::id::SessionId;
use protocol::Cursor;
use relay::port::{Expiry, LiveSession, NewAccount, NewSession, Sessions, StoreError};

use crate::{Account, MemoryStore};

/// The session of an account; its mailbox's end is looked up when it is asked for.
pub(crate) fn live(account: &NewAccount, session: NewSession) -> LiveSession {
    LiveSession {
        account: account.account,
        username: account.username.clone(),
        kdf: account.kdf,
        created_at_ms: session.created_at_ms,
        last_seen_at_ms: session.created_at_ms,
        unlock_half: session.unlock_half,
        mailbox_end: Cursor::START,
    }
}

#[async_trait]
impl Sessions for MemoryStore {
    async fn begin_session(&self, session: NewSession, expired: Expiry) -> Result<Cursor, StoreError> {
        let mut state = self.lock();
        let Some(Account { registered, mailbox, .. }) = state.accounts.get(&session.account) else {
            return Err(StoreError::Failed("a session begins for an account that does not exist".into()));
        };
        let end = Cursor(mailbox.len() as u64);
        let new = live(registered, session.clone());
        state.sessions.retain(|_, live| {
            live.account != session.account
                || live.created_at_ms >= expired.created_before_ms
                    && live.last_seen_at_ms >= expired.seen_before_ms
        });
        state.sessions.insert(session.session, new);
        Ok(end)
    }

    async fn find_session(&self, session: SessionId) -> Result<Option<LiveSession>, StoreError> {
        let state = self.lock();
        Ok(state.sessions.get(&session).map(|live| {
            let mailbox = state.accounts.get(&live.account).map_or(0, |account| account.mailbox.len());
            LiveSession { mailbox_end: Cursor(mailbox as u64), ..live.clone() }
        }))
    }

    async fn touch_session(&self, session: SessionId, seen_at_ms: u64) -> Result<(), StoreError> {
        if let Some(live) = self.lock().sessions.get_mut(&session) {
            live.last_seen_at_ms = seen_at_ms;
        }
        Ok(())
    }

    async fn end_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.lock().sessions.remove(&session);
        Ok(())
    }
}

use std::{cmp::Reverse, collections::HashMap};

use async_trait::async_trait;
use crypto::{
    device::DevicePublic,
    id::{AccountId, DeviceId, SessionId},
};
use protocol::Cursor;
use relay::port::{Expiry, LiveSession, NewSession, PasswordHash, Sessions, StoreError, StoredSession};

use crate::MemoryStore;

/// A session that has not been ended.
#[derive(Clone)]
pub(crate) struct Session {
    begun: NewSession,
    last_seen_at_ms: u64,
    pub(crate) device: Option<(DeviceId, DevicePublic)>,
}

impl Session {
    pub(crate) fn new(begun: NewSession) -> Self {
        Self { last_seen_at_ms: begun.created_at_ms, begun, device: None }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.begun.account
    }
}

#[async_trait]
impl Sessions for MemoryStore {
    async fn begin_session(
        &self,
        session: NewSession,
        expired: Expiry,
        proven: PasswordHash,
    ) -> Result<Option<Cursor>, StoreError> {
        let mut state = self.lock();
        let Some(account) = state.with_password(session.account, &proven) else { return Ok(None) };
        let end = Cursor(account.mailbox.len() as u64);
        state.sessions.retain(|_, Session { begun, last_seen_at_ms, .. }| {
            begun.account != session.account
                || begun.created_at_ms >= expired.created_before_ms
                    && *last_seen_at_ms >= expired.seen_before_ms
        });
        state.sessions.insert(session.session, Session::new(session));
        Ok(Some(end))
    }

    async fn find_session(&self, session: SessionId) -> Result<Option<LiveSession>, StoreError> {
        let state = self.lock();
        let Some(Session { begun, last_seen_at_ms, device }) = state.sessions.get(&session) else {
            return Ok(None);
        };
        Ok(state.accounts.get(&begun.account).map(|account| LiveSession {
            account: begun.account,
            username: account.registered.username.clone(),
            kdf: account.registered.kdf,
            created_at_ms: begun.created_at_ms,
            last_seen_at_ms: *last_seen_at_ms,
            unlock_half: begun.unlock_half,
            mailbox_end: Cursor(account.mailbox.len() as u64),
            device: *device,
        }))
    }

    async fn touch_session(&self, session: SessionId, seen_at_ms: u64) -> Result<(), StoreError> {
        if let Some(live) = self.lock().sessions.get_mut(&session) {
            live.last_seen_at_ms = seen_at_ms;
        }
        Ok(())
    }

    async fn end_session(&self, account: AccountId, session: SessionId) -> Result<bool, StoreError> {
        let mut state = self.lock();
        let is_own = state.sessions.get(&session).is_some_and(|live| live.begun.account == account);
        if is_own {
            state.sessions.remove(&session);
        }
        Ok(is_own)
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        except: Option<SessionId>,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(end_sessions(&mut self.lock().sessions, account, except))
    }

    async fn list_sessions(&self, account: AccountId) -> Result<Vec<StoredSession>, StoreError> {
        let state = self.lock();
        let own = state.sessions.values().filter(|live| live.begun.account == account);
        let mut listed: Vec<StoredSession> = own
            .map(|Session { begun, last_seen_at_ms, device }| StoredSession {
                session: begun.session,
                device_name: begun.device_name.clone(),
                created_at_ms: begun.created_at_ms,
                last_seen_at_ms: *last_seen_at_ms,
                device: device.map(|(device, _)| device),
            })
            .collect();
        listed.sort_unstable_by_key(|listed| {
            (Reverse(listed.last_seen_at_ms), Reverse(listed.created_at_ms), listed.session)
        });
        Ok(listed)
    }
}

/// Also a step of whatever makes an account's other sessions worthless.
pub(crate) fn end_sessions(
    sessions: &mut HashMap<SessionId, Session>,
    account: AccountId,
    except: Option<SessionId>,
) -> Vec<SessionId> {
    let ended =
        sessions.extract_if(|session, live| live.begun.account == account && Some(*session) != except);
    ended.map(|(session, _)| session).collect()
}

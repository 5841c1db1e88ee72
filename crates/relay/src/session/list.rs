use protocol::{
    Refusal,
    refusal::Code,
    session::{EndOtherSessions, EndSession, ListSessions, SessionInfo, Sessions, SessionsEnded},
};
use tracing::info;

use super::{Caller, expired_by};
use crate::{Relay, port::Expiry};

impl Relay {
    /// The caller's sessions that are not over, the one that was seen last first.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn list_sessions(
        &self,
        caller: &Caller,
        ListSessions {}: ListSessions,
    ) -> Result<Sessions, Refusal> {
        let Expiry { created_before_ms, seen_before_ms } = expired_by(self.0.now_ms());
        let stored = self.0.store.list_sessions(caller.account).await?;
        let live = stored.into_iter().filter(|session| {
            session.created_at_ms >= created_before_ms && session.last_seen_at_ms >= seen_before_ms
        });
        let sessions = live.map(|session| SessionInfo {
            session: session.session,
            device_name: session.device_name,
            created_at_ms: session.created_at_ms,
            last_seen_at_ms: session.last_seen_at_ms,
            device: session.device,
            current: session.session == caller.session,
        });
        Ok(Sessions { sessions: sessions.collect() })
    }

    /// Ends one of the caller's sessions, for every request that begins after the answer, and its open streams.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is none of this name, or it is somebody else's.
    pub async fn end_session(&self, caller: &Caller, request: EndSession) -> Result<SessionsEnded, Refusal> {
        let EndSession { session } = request;
        if !self.0.store.end_session(caller.account, session).await? {
            return Err(Refusal::because(Code::NotFound, "This session has ended already"));
        }
        self.0.events.sessions_changed(caller.account, &[session]);
        info!(account = %caller.account, "sessions: one was ended");
        Ok(SessionsEnded { ended: 1 })
    }

    /// Ends all of the caller's sessions but the one that asks.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn end_other_sessions(
        &self,
        caller: &Caller,
        EndOtherSessions {}: EndOtherSessions,
    ) -> Result<SessionsEnded, Refusal> {
        let ended = self.0.store.end_sessions(caller.account, Some(caller.session)).await?;
        self.0.events.sessions_changed(caller.account, &ended);
        info!(account = %caller.account, ended = ended.len(), "sessions: all others were ended");
        Ok(SessionsEnded { ended: u32::try_from(ended.len()).unwrap_or(u32::MAX) })
    }
}

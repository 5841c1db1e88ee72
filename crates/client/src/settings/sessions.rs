use std::collections::BTreeSet;

use protocol::{
    SessionId,
    session::{EndOtherSessions, EndSession, ListSessions, SessionInfo},
};

use crate::{Account, Device, Interruption, StoreUnavailable, engine::Engine};

/// Most ended sessions that are remembered, the last ones: as many as a month's backup may bring back.
const MAX_ENDED: usize = 100;

impl<D: Device> Account<D> {
    /// The account's sessions, the one that was seen last first.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, Interruption> {
        Ok(self.0.device.call(ListSessions {}).await?.sessions)
    }

    /// Ends a session on every machine and at once. Its browser locks, and what it kept opens no more without the password.
    /// Its device is revoked: what it signs from here on counts no more. What is sent from here on goes to other prekeys, and
    /// what is archived to another epoch, whatever the session said of its device: it may have seen the vault.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn end_session(&self, session: SessionId) -> Result<(), Interruption> {
        let engine = &self.0;
        let sessions = self.sessions().await?;
        let this = engine.this_device().await?;
        engine.note_ended(&[session]).await?;
        let Some(ended) = sessions.into_iter().find(|one| one.session == session) else {
            engine.device.call(EndSession { session }).await?;
            return Ok(());
        };
        if ended.current {
            let revoked = engine.revoke_devices(&[this.id]).await;
            if revoked.is_err() {
                // The session ends in any case.
                engine.device.call(EndSession { session }).await?;
            }
            return revoked;
        }
        // An earlier session of this very device ends, and the device does not.
        let device = ended.device.filter(|device| *device != this.id);
        engine.begin_revocation(device.as_slice()).await?;
        engine.device.call(EndSession { session }).await?;
        // Another tab may have finished it while the session was still there.
        engine.begin_revocation(device.as_slice()).await?;
        engine.finish_revocation().await
    }

    /// Ends all sessions but this one, like [`Self::end_session`]. How many there were.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn end_other_sessions(&self) -> Result<u32, Interruption> {
        let engine = &self.0;
        let this = engine.this_device().await?;
        let others: Vec<SessionInfo> =
            self.sessions().await?.into_iter().filter(|one| !one.current).collect();
        engine.note_ended(&others.iter().map(|one| one.session).collect::<Vec<_>>()).await?;
        let devices = others.iter().filter_map(|one| one.device).filter(|device| *device != this.id);
        engine.begin_revocation(&devices.collect::<Vec<_>>()).await?;
        // At once and together; the log says it after, one by one.
        engine.device.call(EndOtherSessions {}).await?;
        engine.finish_revocation().await?;
        Ok(u32::try_from(others.len()).unwrap_or(u32::MAX))
    }

    /// The sessions that began since this device last [looked](Self::acknowledge_sessions): sign-ins that their owner should
    /// know about. A device that looks for the first time takes those that there are for known.
    ///
    /// # Errors
    /// [`Interruption`].
    pub async fn new_sessions(&self) -> Result<Vec<SessionInfo>, Interruption> {
        let engine = &self.0;
        let sessions = self.sessions().await?;
        let Some(known) = engine.known_sessions().await? else {
            engine.remember_sessions(&sessions).await?;
            return Ok(Vec::new());
        };
        Ok(sessions.into_iter().filter(|one| !one.current && !known.contains(&one.session)).collect())
    }

    /// Their owner has seen these sessions.
    ///
    /// # Errors
    /// [`StoreUnavailable`].
    pub async fn acknowledge_sessions(&self, seen: &[SessionInfo]) -> Result<(), StoreUnavailable> {
        let engine = &self.0;
        let mut known = engine.known_sessions().await?.unwrap_or_default();
        known.extend(seen.iter().map(|one| one.session));
        engine.write_known(&known).await
    }
}

impl<D: Device> Engine<D> {
    async fn known_sessions(&self) -> Result<Option<BTreeSet<SessionId>>, StoreUnavailable> {
        let name = self.records.sessions();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)))
    }

    async fn remember_sessions(&self, sessions: &[SessionInfo]) -> Result<(), StoreUnavailable> {
        self.write_known(&sessions.iter().map(|one| one.session).collect()).await
    }

    /// Remembers that these sessions were ended: a server that was set back has them again.
    async fn note_ended(&self, sessions: &[SessionId]) -> Result<(), StoreUnavailable> {
        let mut ended = self.ended_sessions().await?;
        ended.extend(sessions);
        let too_many = ended.len().saturating_sub(MAX_ENDED);
        ended.drain(..too_many);
        let record = self.records.put(&*self.device, self.records.ended_sessions(), &ended);
        self.records.write(&*self.device, vec![record]).await
    }

    async fn ended_sessions(&self) -> Result<Vec<SessionId>, StoreUnavailable> {
        let name = self.records.ended_sessions();
        let record = self.device.read(&name).await?;
        Ok(record.and_then(|sealed| self.records.open(&name, &sealed)).unwrap_or_default())
    }

    /// Ends once more what this device has ended, on a server that was set back.
    pub(crate) async fn end_sessions_again(&self) -> Result<(), Interruption> {
        for session in self.ended_sessions().await? {
            match self.device.call(EndSession { session }).await.map_err(Interruption::from) {
                // The copy does not have it.
                Ok(_) | Err(Interruption::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn write_known(&self, known: &BTreeSet<SessionId>) -> Result<(), StoreUnavailable> {
        let record = self.records.put(&*self.device, self.records.sessions(), known);
        self.records.write(&*self.device, vec![record]).await
    }
}

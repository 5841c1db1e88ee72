//! The archive: before a key that brought messages dies, their content keys are sealed under the epoch key of this account,
//! and stand on the server in the place of the seals. In this order, each step repeatable: opened, archived, the server's
//! word, the key erased, kept.

use std::collections::BTreeSet;

use crypto::{
    archive::{ArchiveKey, ArchivePlace},
    envelope::ContentKey,
    id::{ConversationId, EpochId, Fingerprint, MessageId, PrekeyId},
};
use protocol::{
    Binary, Cursor,
    limits::MAX_ARCHIVED_AT_ONCE,
    mailbox::{Archive, ArchivedKey, ArchivedPlace},
};

use crate::{
    Device, Interruption, device::DeviceRng, engine::Engine, inbox::Landed, records::KeptDelivery,
    vault::CLOCKS_MS,
};

/// How long an archive epoch lasts: 30 days.
pub(crate) const EPOCH_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

impl<D: Device> Engine<D> {
    /// The archive epoch of today: begun now, if there is none. `None`: the vault is full, and there never was one.
    pub(crate) async fn epoch(&self) -> Result<Option<(EpochId, ArchiveKey)>, Interruption> {
        let now_ms = self.device.now_ms();
        let today = now_ms.saturating_sub(EPOCH_MS)..=now_ms.saturating_add(CLOCKS_MS);
        if let Some(current) = self.vault.current_epoch(today.clone()) {
            return Ok(Some(current));
        }
        // Another device may have begun one.
        self.refresh_vault().await?;
        if let Some(current) = self.vault.current_epoch(today) {
            return Ok(Some(current));
        }
        match self.vault.turn_epoch(&*self.device, &self.records).await {
            Ok(new) => Ok(Some(new)),
            Err(Interruption::Refused(_)) => Ok(self.vault.current_epoch(0..=u64::MAX)),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn archived(
        &self,
        (epoch, key): &(EpochId, ArchiveKey),
        conversation: ConversationId,
        message: MessageId,
        content_key: &ContentKey,
    ) -> ArchivedKey {
        let place = ArchivePlace { account: self.me.account, conversation, message, epoch: *epoch };
        let sealed = key.seal(place, content_key, &mut DeviceRng(&*self.device));
        ArchivedKey { epoch: *epoch, sealed: Binary(sealed) }
    }

    /// Archives what was opened by keys that are to die, and then erases those.
    pub(crate) async fn archive(&self, landed: &mut [(Cursor, u64, Landed)]) -> Result<(), Interruption> {
        let waits = landed.iter().any(|(.., landed)| landed.to_archive.is_some());
        let died = |landed: &Landed| landed.one_time.filter(|_| landed.is_sound());
        let one_time: BTreeSet<(Fingerprint, PrekeyId)> =
            landed.iter().filter_map(|(.., landed)| died(landed)).collect();
        if waits {
            let Some(epoch) = self.epoch().await? else { return Ok(()) };
            let keys: Vec<ArchivedPlace> = landed
                .iter_mut()
                .filter_map(|(cursor, _, landed)| {
                    let content_key = landed.to_archive.as_ref()?;
                    let KeptDelivery::Message(message) = &mut landed.delivery else { return None };
                    let key = self.archived(&epoch, message.conversation, message.message, content_key);
                    message.archived = Some(key.clone());
                    Some(ArchivedPlace { cursor: *cursor, message: message.message, key })
                })
                .collect();
            for keys in keys.chunks(MAX_ARCHIVED_AT_ONCE) {
                self.device.call(Archive { keys: keys.to_vec() }).await?;
            }
        }
        if !one_time.is_empty() {
            self.vault.erase_one_time(&*self.device, &self.records, &one_time).await?;
        }
        Ok(())
    }
}

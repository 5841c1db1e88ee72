use crypto::archive::ARCHIVED_BYTES;
use protocol::{
    Refusal,
    limits::MAX_ARCHIVED_AT_ONCE,
    mailbox::{Archive, ArchivedKey, KeysArchived},
    refusal::Code,
};

use crate::{Caller, Relay};

impl Relay {
    /// Puts archived keys in the place of seals: when this returns `Ok`, they are on disk. What is archived already stays as
    /// it is: whoever comes second has sealed the same key.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] for too many, or for what is no archived key.
    pub async fn archive(&self, caller: &Caller, request: Archive) -> Result<KeysArchived, Refusal> {
        let Archive { keys } = request;
        if keys.len() > MAX_ARCHIVED_AT_ONCE {
            let message = format!("Archive at most {MAX_ARCHIVED_AT_ONCE} keys at once");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        keys.iter().try_for_each(|place| check_archived(&place.key))?;
        if !keys.is_empty() {
            self.0.store.archive(caller.account(), keys).await?;
        }
        Ok(KeysArchived {})
    }
}

pub(super) fn check_archived(key: &ArchivedKey) -> Result<(), Refusal> {
    if key.sealed.0.len() == ARCHIVED_BYTES {
        Ok(())
    } else {
        Err(Refusal::because(Code::InvalidRequest, format!("An archived key has {ARCHIVED_BYTES} bytes")))
    }
}

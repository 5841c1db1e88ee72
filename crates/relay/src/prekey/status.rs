use protocol::{
    Refusal,
    limits::{CLAIM_LIFETIME_MS, PREKEY_LIFETIME_MS},
    prekey::{FetchPrekeyStatus, PrekeyStatus},
    refusal::Code,
};

use crate::{Caller, Relay, port::StoredPrekeyStatus};

impl Relay {
    /// How the caller's prekeys and archive stand: what is due is for the device to decide.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the account was deleted meanwhile.
    pub async fn prekey_status(
        &self,
        caller: &Caller,
        FetchPrekeyStatus { archived_to }: FetchPrekeyStatus,
    ) -> Result<PrekeyStatus, Refusal> {
        let device = caller.device().map(|(device, _)| device);
        let now_ms = self.0.now_ms();
        let published_after_ms = now_ms.saturating_sub(PREKEY_LIFETIME_MS);
        let status =
            self.0.store.prekey_status(caller.account(), device, archived_to, published_after_ms).await?;
        let StoredPrekeyStatus {
            signed,
            signed_at_ms,
            one_time_left,
            last_one_time,
            device_left,
            last_device,
            first_unarchived,
        } = status.ok_or(Code::NotSignedIn)?;
        let claimed_after_ms = now_ms.saturating_sub(CLAIM_LIFETIME_MS);
        let (store, account) = (&self.0.store, caller.account());
        let one_time_outstanding =
            store.outstanding_prekeys(account, None, published_after_ms, claimed_after_ms).await?;
        let device_outstanding = match device {
            Some(_) => {
                store.outstanding_prekeys(account, device, published_after_ms, claimed_after_ms).await?
            }
            None => Vec::new(),
        };
        Ok(PrekeyStatus {
            signed,
            signed_at_ms,
            one_time_left,
            last_one_time,
            device,
            device_left,
            last_device,
            one_time_outstanding,
            device_outstanding,
            first_unarchived,
            now_ms,
        })
    }
}

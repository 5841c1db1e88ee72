use protocol::{
    Refusal,
    limits::{MAX_RECIPIENTS, MAX_UNUSED_CLAIMS, PREKEY_LIFETIME_MS},
    prekey::{ClaimPrekeys, ClaimedPrekey, ClaimedPrekeys},
    refusal::Code,
};
use tracing::warn;

use crate::{
    Caller, Relay,
    port::{Claim, Claimed},
};

impl Relay {
    /// Hands out a prekey of each account, or of each device. Who asks for too many gets none for a while: writing goes on,
    /// to the signed prekeys, and nobody can use up another's.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when too many are asked for at once.
    pub async fn claim_prekeys(
        &self,
        caller: &Caller,
        request: ClaimPrekeys,
    ) -> Result<ClaimedPrekeys, Refusal> {
        let ClaimPrekeys { mut accounts, of_devices } = request;
        if accounts.len() > MAX_RECIPIENTS {
            let message = format!("Claim prekeys of at most {MAX_RECIPIENTS} accounts at once");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        accounts.sort_unstable();
        accounts.dedup();
        let (by, at_ms) = (caller.account(), self.0.now_ms());
        let asked = accounts.len();
        accounts.retain(|of| self.0.brakes.claim(by, *of, at_ms).is_ok());
        if accounts.len() < asked {
            warn!(account = %by, "prekeys: claimed too many");
        }
        let published_after_ms = at_ms.saturating_sub(PREKEY_LIFETIME_MS);
        let most_unused = MAX_UNUSED_CLAIMS;
        let by_device = caller.device().map(|(device, _)| device);
        let claim = Claim { by, by_device, accounts, of_devices, at_ms, published_after_ms, most_unused };
        let claimed = self.0.store.claim_prekeys(claim).await?.into_iter();
        let prekeys = claimed
            .map(|Claimed { account, device, prekey }| ClaimedPrekey { account, device, prekey })
            .collect();
        Ok(ClaimedPrekeys { prekeys })
    }
}

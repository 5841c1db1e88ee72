use crypto::{
    id::{AccountId, PrekeyId},
    prekey::{PrekeyKind, SignedPrekey},
};
use protocol::{
    Cursor, Refusal,
    limits::{MAX_PREKEYS_AT_ONCE, MAX_UNCLAIMED_PREKEYS, PREKEY_LIFETIME_MS},
    prekey::{PrekeysPublished, PublishPrekeys},
    refusal::Code,
};
use tracing::{info, warn};

use crate::{
    Caller, Relay,
    port::{NewPrekeys, PublishOutcome},
};

/// By how much a number may be ahead of the last one: more than restorations and other devices bring. Numbers end at some point: a
/// device that is to be ended must not use them all up.
const MAX_AHEAD: u32 = 100_000;

impl Relay {
    /// Publishes prekeys of the caller's account, and of the device of this session.
    ///
    /// # Errors
    /// [`Code::InvalidKeys`] for a prekey that is not signed as it must be, or is of another kind;
    /// [`Code::InvalidRequest`] for too many, or ids out of order or far ahead; [`Code::VersionConflict`] for a signed prekey that does
    /// not count on; [`Code::QuotaExceeded`] when there are enough.
    pub async fn publish_prekeys(
        &self,
        caller: &Caller,
        request: PublishPrekeys,
    ) -> Result<PrekeysPublished, Refusal> {
        let PublishPrekeys { signed, one_time, device, replace } = request;
        let account = caller.account();
        check_batch(&one_time)?;
        check_batch(&device)?;
        let bundle = self.0.store.find_keys(&[account]).await?.pop().ok_or(Code::NotSignedIn)?;
        let of_account = |prekey: &SignedPrekey, kind: PrekeyKind| {
            if prekey.kind() != kind {
                return Err("is of another kind".to_owned());
            }
            prekey.verify(account, &bundle.identity).map(drop).map_err(|problem| problem.to_string())
        };
        let of_device = |prekey: &SignedPrekey| {
            let (device, key) = caller.device().ok_or("is of a device that nobody has added")?;
            let verified = prekey.verify_of_device(account, &bundle.identity, device, &key);
            verified.map(drop).map_err(|problem| problem.to_string())
        };
        let checked = signed
            .iter()
            .map(|prekey| of_account(prekey, PrekeyKind::Signed))
            .chain(one_time.iter().map(|prekey| of_account(prekey, PrekeyKind::OneTime)))
            .chain(device.iter().map(of_device))
            .collect::<Result<Vec<()>, String>>();
        checked.map_err(|problem| {
            warn!(%account, %problem, "prekeys: invalid keys");
            Refusal::because(Code::InvalidKeys, format!("A prekey {problem}"))
        })?;
        self.check_numbers(account, &bundle.prekey, signed.as_ref(), &one_time).await?;
        let count = one_time.len() + device.len();
        let now_ms = self.0.now_ms();
        let new = NewPrekeys {
            identity: bundle.identity.fingerprint(),
            signed,
            one_time,
            replace,
            device: caller.device().filter(|_| !device.is_empty()).map(|(id, _)| (id, device)),
            at_ms: now_ms,
            published_after_ms: now_ms.saturating_sub(PREKEY_LIFETIME_MS),
            room: MAX_UNCLAIMED_PREKEYS,
        };
        match self.0.store.publish_prekeys(account, new).await? {
            PublishOutcome::Done => {
                info!(%account, count, "prekeys: published");
                Ok(PrekeysPublished {})
            }
            PublishOutcome::Conflict => Err(Refusal::because(
                Code::VersionConflict,
                "A newer signed prekey stands: another device was faster",
            )),
            PublishOutcome::Full => Err(Refusal::because(
                Code::QuotaExceeded,
                format!("There are at most {MAX_UNCLAIMED_PREKEYS} unclaimed prekeys: these are enough"),
            )),
        }
    }

    /// Nothing leaves out more numbers than there is a reason for.
    async fn check_numbers(
        &self,
        account: AccountId,
        standing: &SignedPrekey,
        signed: Option<&SignedPrekey>,
        one_time: &[SignedPrekey],
    ) -> Result<(), Refusal> {
        let far = |last: u32, next: u32| next > last.saturating_add(MAX_AHEAD);
        let furthest = u64::from(MAX_AHEAD) + standing.sequence();
        let mut is_far =
            signed.is_some_and(|signed| far(standing.id().0, signed.id().0) || signed.sequence() > furthest);
        if let Some(last) = one_time.last() {
            let status = self.0.store.prekey_status(account, None, Cursor::START, 0).await?;
            is_far |= far(status.ok_or(Code::NotSignedIn)?.last_one_time, last.id().0);
        }
        if is_far {
            warn!(%account, "prekeys: numbers far ahead");
            let message = format!("The number of a prekey is more than {MAX_AHEAD} ahead of the last one");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        Ok(())
    }
}

fn check_batch(prekeys: &[SignedPrekey]) -> Result<(), Refusal> {
    if prekeys.len() > MAX_PREKEYS_AT_ONCE {
        let message = format!("Publish at most {MAX_PREKEYS_AT_ONCE} prekeys of a kind at once");
        return Err(Refusal::because(Code::InvalidRequest, message));
    }
    let ascend = prekeys.is_sorted_by(|one, next| one.id() < next.id());
    if !ascend || prekeys.first().is_some_and(|first| first.id() == PrekeyId(0)) {
        return Err(Refusal::because(Code::InvalidRequest, "The ids of prekeys count up, from 1"));
    }
    Ok(())
}

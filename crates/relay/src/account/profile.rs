use protocol::{
    Refusal,
    policy::{FetchPolicy, ServerPolicy},
    profile::{Changed, FetchProfile, FetchRecoveryWrap, Profile, RecoveryWrap, SetLoginMails},
    refusal::Code,
};

use crate::{Caller, Relay, mail::Event, port::StoredProfile};

impl Relay {
    /// What this server offers to anybody.
    pub fn policy(&self, FetchPolicy {}: FetchPolicy) -> ServerPolicy {
        ServerPolicy { registration: self.0.policy.registration, mail: self.0.mailer.is_configured() }
    }

    /// What the caller's settings show.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the account was deleted meanwhile.
    pub async fn fetch_profile(
        &self,
        caller: &Caller,
        FetchProfile {}: FetchProfile,
    ) -> Result<Profile, Refusal> {
        let stored = self.stored_profile(caller).await?;
        Ok(Profile {
            username: stored.username,
            created_at_ms: stored.created_at_ms,
            email: stored.email,
            pending_email: stored.pending_email,
            login_mails: stored.login_mails,
            second_factor_since_ms: stored.totp_since_ms,
            recovery_codes_left: stored.recovery_codes_left,
            recovery_key_made_at_ms: stored.recovery_key_made_at_ms,
            sealed_vaults: stored.sealed_vaults,
        })
    }

    /// The account key, sealed by the recovery key: it opens nothing without that.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`] when the account was deleted meanwhile.
    pub async fn fetch_recovery_wrap(
        &self,
        caller: &Caller,
        FetchRecoveryWrap {}: FetchRecoveryWrap,
    ) -> Result<RecoveryWrap, Refusal> {
        let stored = self.stored_profile(caller).await?;
        Ok(RecoveryWrap { wrapped_by_recovery_key: stored.wrapped_by_recovery_key })
    }

    /// Says whether a mail tells of each new sign-in.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn set_login_mails(&self, caller: &Caller, request: SetLoginMails) -> Result<Changed, Refusal> {
        let SetLoginMails { login_mails } = request;
        self.0.store.set_login_mails(caller.account(), login_mails).await?;
        if !login_mails {
            self.tell_owner(caller, Event::LoginMailsOff).await;
        }
        Ok(Changed {})
    }

    pub(super) async fn stored_profile(&self, caller: &Caller) -> Result<StoredProfile, Refusal> {
        let stored = self.0.store.find_profile(caller.account()).await?;
        stored.ok_or_else(|| Code::NotSignedIn.into())
    }
}

//! Calls: one request type, one fixed path, one answer type.
//!
//! A call is `POST {path}` with the request as JSON. Success is 200 with the answer as JSON; a refusal is the status of
//! its [`Code`](crate::Code) with a [`Refusal`](crate::Refusal) as JSON. Browsers carry the session in a cookie,
//! programs in `Authorization: Bearer`.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    account, device, directory, mailbox, policy, prekey, profile, reset, second_factor, session, vault,
};

/// One operation of the relay.
pub trait Call: Serialize + DeserializeOwned {
    /// Where it is posted to.
    const PATH: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! calls {
    ($($request:ty => $path:literal => $answer:ty;)*) => {
        $(impl Call for $request {
            const PATH: &'static str = $path;
            type Answer = $answer;
        })*

        /// Every path, in the order of the map above; the relay's faces serve exactly these.
        pub const PATHS: &[&str] = &[$($path),*];
    };
}

calls! {
    account::Prelogin => "/fn/account/prelogin" => account::PreloginAnswer;
    account::Register => "/fn/account/register" => account::SignedIn;
    account::Login => "/fn/session/login" => account::SignedIn;
    account::CurrentSession => "/fn/session/current" => account::SignedIn;
    account::Logout => "/fn/session/logout" => account::LoggedOut;
    session::ListSessions => "/fn/session/list" => session::Sessions;
    session::EndSession => "/fn/session/end" => session::SessionsEnded;
    session::EndOtherSessions => "/fn/session/end-others" => session::SessionsEnded;
    session::Unlock => "/fn/session/unlock" => account::SignedIn;
    profile::FetchProfile => "/fn/account/profile" => profile::Profile;
    profile::ChangePassword => "/fn/account/change-password" => profile::Changed;
    profile::ChangeEmail => "/fn/account/change-email" => profile::Changed;
    profile::ConfirmEmail => "/fn/account/confirm-email" => profile::EmailConfirmed;
    profile::SetLoginMails => "/fn/account/login-mails" => profile::Changed;
    profile::FetchRecoveryWrap => "/fn/account/recovery-wrap" => profile::RecoveryWrap;
    profile::ChangeRecoveryKey => "/fn/account/change-recovery-key" => profile::Changed;
    profile::DeleteAccount => "/fn/account/delete" => profile::Changed;
    second_factor::BeginTotp => "/fn/second-factor/begin" => second_factor::TotpBegun;
    second_factor::EnableTotp => "/fn/second-factor/enable" => second_factor::RecoveryCodes;
    second_factor::DisableTotp => "/fn/second-factor/disable" => second_factor::TotpDisabled;
    second_factor::RenewRecoveryCodes => "/fn/second-factor/renew-codes" => second_factor::RecoveryCodes;
    reset::ForgotPassword => "/fn/reset/forgot" => reset::MailRequested;
    reset::CheckReset => "/fn/reset/check" => reset::ResetChecked;
    reset::RedeemReset => "/fn/reset/redeem" => reset::PasswordReset;
    policy::FetchPolicy => "/fn/server/policy" => policy::ServerPolicy;
    directory::ListUsers => "/fn/directory/users" => directory::Users;
    directory::FetchKeys => "/fn/directory/keys" => directory::Keys;
    device::AppendLog => "/fn/device/append" => device::LogAppended;
    device::FetchLogs => "/fn/device/logs" => device::Logs;
    prekey::PublishPrekeys => "/fn/prekeys/publish" => prekey::PrekeysPublished;
    prekey::FetchPrekeyStatus => "/fn/prekeys/status" => prekey::PrekeyStatus;
    prekey::ClaimPrekeys => "/fn/prekeys/claim" => prekey::ClaimedPrekeys;
    mailbox::Send => "/fn/mailbox/send" => mailbox::Sent;
    mailbox::FetchPage => "/fn/mailbox/page" => mailbox::Page;
    mailbox::FetchHistory => "/fn/mailbox/history" => mailbox::Page;
    mailbox::Archive => "/fn/mailbox/archive" => mailbox::KeysArchived;
    mailbox::Erase => "/fn/mailbox/erase" => mailbox::Erased;
    vault::FetchRows => "/fn/vault/rows" => vault::Rows;
    vault::PutRow => "/fn/vault/put" => vault::RowPut;
    vault::FetchSealedVault => "/fn/vault/sealed" => vault::SealedVaultRows;
    vault::DropSealedVault => "/fn/vault/drop-sealed" => vault::SealedVaultDropped;
}

/// Where the events of a session are streamed from (`GET`, `text/event-stream`): see
/// [`MAILBOX_EVENT`](crate::mailbox::MAILBOX_EVENT).
pub const EVENTS_PATH: &str = "/events";

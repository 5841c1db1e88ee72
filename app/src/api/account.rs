//! Names are asked for, accounts made, changed and deleted.

use leptos::{server, server_fn::codec::Json};
use protocol::{account, profile};

#[cfg(feature = "ssr")]
use super::exchange::{begin_session, caller, network, relay, session_ended};
use super::{Answer, WholeBody};

/// How a name's password is stretched.
#[server(prefix = "/fn", endpoint = "account/prelogin", input = WholeBody, output = Json)]
pub async fn prelogin(
    /// What is asked.
    request: account::Prelogin,
) -> Answer<account::PreloginAnswer> {
    Ok(relay().prelogin(request, network()).await?)
}

/// Makes an account and begins its first session.
#[server(prefix = "/fn", endpoint = "account/register", input = WholeBody, output = Json)]
pub async fn register(
    /// What is asked.
    request: account::Register,
) -> Answer<account::SignedIn> {
    let (signed_in, token) = relay().register(request, network()).await?;
    Ok(begin_session(signed_in, token))
}

/// What the settings show.
#[server(prefix = "/fn", endpoint = "account/profile", input = WholeBody, output = Json)]
pub async fn fetch_profile(
    /// What is asked.
    request: profile::FetchProfile,
) -> Answer<profile::Profile> {
    let caller = caller().await?;
    Ok(relay().fetch_profile(&caller, request).await?)
}

/// Sets a new password; the session that asks goes on.
#[server(prefix = "/fn", endpoint = "account/change-password", input = WholeBody, output = Json)]
pub async fn change_password(
    /// What is asked.
    request: profile::ChangePassword,
) -> Answer<profile::Changed> {
    let caller = caller().await?;
    Ok(relay().change_password(&caller, request).await?)
}

/// Sends a mail to a new address.
#[server(prefix = "/fn", endpoint = "account/change-email", input = WholeBody, output = Json)]
pub async fn change_email(
    /// What is asked.
    request: profile::ChangeEmail,
) -> Answer<profile::Changed> {
    let caller = caller().await?;
    Ok(relay().change_email(&caller, request).await?)
}

/// Shows that the new address is read.
#[server(prefix = "/fn", endpoint = "account/confirm-email", input = WholeBody, output = Json)]
pub async fn confirm_email(
    /// What is asked.
    request: profile::ConfirmEmail,
) -> Answer<profile::EmailConfirmed> {
    Ok(relay().confirm_email(request, network()).await?)
}

/// Says whether a mail tells of each new sign-in.
#[server(prefix = "/fn", endpoint = "account/login-mails", input = WholeBody, output = Json)]
pub async fn set_login_mails(
    /// What is asked.
    request: profile::SetLoginMails,
) -> Answer<profile::Changed> {
    let caller = caller().await?;
    Ok(relay().set_login_mails(&caller, request).await?)
}

/// The account key, sealed by the recovery key.
#[server(prefix = "/fn", endpoint = "account/recovery-wrap", input = WholeBody, output = Json)]
pub async fn fetch_recovery_wrap(
    /// What is asked.
    request: profile::FetchRecoveryWrap,
) -> Answer<profile::RecoveryWrap> {
    let caller = caller().await?;
    Ok(relay().fetch_recovery_wrap(&caller, request).await?)
}

/// Puts a new recovery key in the place of the old one.
#[server(prefix = "/fn", endpoint = "account/change-recovery-key", input = WholeBody, output = Json)]
pub async fn change_recovery_key(
    /// What is asked.
    request: profile::ChangeRecoveryKey,
) -> Answer<profile::Changed> {
    let caller = caller().await?;
    Ok(relay().change_recovery_key(&caller, request).await?)
}

/// Deletes the account.
#[server(prefix = "/fn", endpoint = "account/delete", input = WholeBody, output = Json)]
pub async fn delete_account(
    /// What is asked.
    request: profile::DeleteAccount,
) -> Answer<profile::Changed> {
    let caller = caller().await?;
    let answer = relay().delete_account(&caller, request).await?;
    session_ended();
    Ok(answer)
}

use crypto::{id::AccountId, one_time::InviteToken, prekey::SignedPrekey};
use protocol::{
    Binary, Cursor, Refusal,
    account::{Login, Register, SignedIn},
    limits::{MAX_REGISTER_ROWS, MAX_VAULT_ROW_BYTES},
    policy::Registration,
    refusal::Code,
    vault::{NewRow, VaultKind},
};
use tracing::{info, warn};

use crate::{
    Network, Relay,
    port::{InviteUse, NewAccount, Registered},
    session::{SessionToken, busy_refusal, checked_device_name},
};

impl Relay {
    /// Makes an account with its keys, its first vault rows and its first session: all of it or nothing.
    ///
    /// The same registration again, because its answer was lost or the network repeated it, begins a session of the
    /// account that it made.
    ///
    /// # Errors
    /// [`Code::RegistrationClosed`], [`Code::InviteRequired`]; [`Code::UsernameTaken`], [`Code::AccountTaken`];
    /// [`Code::InvalidKeys`] for a prekey that the identity does not
    /// vouch for; [`Code::InvalidRequest`] for rows, e-mail or device name; [`Code::TooManyRequests`]; [`Code::Busy`].
    pub async fn register(
        &self,
        request: Register,
        network: Network,
    ) -> Result<(SignedIn, SessionToken), Refusal> {
        let now_ms = self.0.now_ms();
        self.0.brakes.registration(network, now_ms).inspect_err(|_| warn!("register: too many attempts"))?;
        let Register {
            account,
            username,
            email,
            invite,
            kdf,
            auth_key,
            wrapped_by_password,
            wrapped_by_recovery_key,
            identity,
            prekey,
            vault,
            device_name,
        } = request;
        let device_name = checked_device_name(&device_name)?;
        check_first_rows(&vault, &prekey)?;
        prekey.verify(account, &identity).map_err(|problem| {
            warn!(%account, %problem, "register: invalid keys");
            Refusal::because(Code::InvalidKeys, format!("The prekey {problem}"))
        })?;
        let again = Login {
            username: username.clone(),
            auth_key: auth_key.clone(),
            code: None,
            device_name: device_name.clone(),
        };
        let standing = self.0.store.find_credentials(&username).await?;
        if standing.as_ref().is_some_and(|standing| standing.account == account) {
            return self.register_again(account, account, again, network).await;
        }
        let invite = self.admit(invite, network, now_ms).await?;
        // Spares the hashing when the name is taken already; the insertion below decides.
        if let Some(standing) = standing {
            return self.register_again(account, standing.account, again, network).await;
        }

        let password_hash = self.0.passwords.hash(auth_key.clone()).await.map_err(busy_refusal)?;
        let sealed_wrap =
            self.0.secrets.seal_wrap(account, &auth_key, &wrapped_by_password, &mut self.0.rng());
        let session = self.new_session(account, device_name, now_ms);
        let new = NewAccount {
            account,
            username: username.clone(),
            email,
            kdf,
            password_hash,
            sealed_wrap,
            wrapped_by_recovery_key,
            identity,
            prekey,
            vault,
            created_at_ms: now_ms,
        };
        match self.0.store.register(new, session.clone(), invite).await? {
            Registered::Done => {}
            Registered::UsernameTaken => {
                let standing = self.0.store.find_credentials(&username).await?;
                let owner = standing.map_or(account, |standing| standing.account);
                return self.register_again(account, owner, again, network).await;
            }
            Registered::AccountTaken => {
                info!(%account, "register: the account id is taken");
                return Err(Code::AccountTaken.into());
            }
            Registered::InviteRefused => return Err(invite_is_over()),
        }
        info!(%account, "register: an account was made");
        let token = self.first_token(&session);
        let signed_in = SignedIn {
            account,
            username,
            session: session.session,
            token: None,
            unlock_half: Binary(session.unlock_half.to_vec()),
            kdf,
            wrapped_by_password: Some(wrapped_by_password),
            mailbox_end: Cursor::START,
        };
        Ok((signed_in, token))
    }

    /// Whether somebody may make an account here, and with which invitation.
    async fn admit(
        &self,
        invite: Option<InviteToken>,
        network: Network,
        now_ms: u64,
    ) -> Result<Option<InviteUse>, Refusal> {
        match self.0.policy.registration {
            Registration::Open => Ok(None),
            Registration::Closed => Err(Code::RegistrationClosed.into()),
            Registration::Invite => {
                let token = invite.ok_or(Code::InviteRequired)?.hash();
                self.0.brakes.token(network, now_ms)?;
                let standing = self.0.store.find_invite(token).await?;
                let is_good =
                    standing.is_some_and(|invite| invite.uses_left > 0 && invite.expires_at_ms > now_ms);
                if is_good { Ok(Some(InviteUse { token, at_ms: now_ms })) } else { Err(invite_is_over()) }
            }
        }
    }

    /// The name is somebody's. Only if it is this very account's is a login worth a try: another's is none of the
    /// caller's business, and must not collect failed logins by it.
    async fn register_again(
        &self,
        account: AccountId,
        owner: AccountId,
        login: Login,
        network: Network,
    ) -> Result<(SignedIn, SessionToken), Refusal> {
        if account != owner {
            info!(%account, "register: the username is taken");
            return Err(Code::UsernameTaken.into());
        }
        info!(%account, "register: registered before");
        self.login(login, network).await.map_err(|refusal| match refusal.code {
            Code::WrongCredentials => Code::UsernameTaken.into(),
            _ => refusal,
        })
    }
}

fn invite_is_over() -> Refusal {
    Refusal::because(
        Code::InviteRequired,
        "This invitation is used up or over: ask who runs the server for another",
    )
}

/// A new vault holds the seed of the identity key and the seed of the prekey, each once: without either, the account
/// could not read its mail on another device.
pub(crate) fn check_first_rows(rows: &[NewRow], prekey: &SignedPrekey) -> Result<(), Refusal> {
    let refused = |message: &'static str| Err(Refusal::because(Code::InvalidRequest, message));
    if rows.len() > MAX_REGISTER_ROWS {
        return refused("A registration has too many vault rows");
    }
    if rows.iter().any(|row| row.sealed.0.is_empty() || row.sealed.0.len() > MAX_VAULT_ROW_BYTES) {
        return refused("A vault row has 1 to 4096 bytes");
    }
    let prekey_row = prekey.id().0.to_be_bytes();
    let [one, other] = rows else {
        return refused("A registration has two vault rows: the identity's and the prekey's");
    };
    let is_identity = |row: &NewRow| row.kind == VaultKind::Identity && row.key_id.0.is_empty();
    let is_prekey = |row: &NewRow| row.kind == VaultKind::Prekey && row.key_id.0 == prekey_row;
    if is_identity(one) && is_prekey(other) || is_prekey(one) && is_identity(other) {
        Ok(())
    } else {
        refused("A registration has two vault rows: the identity's and the prekey's")
    }
}

//! The session of a profile: what one command leaves for the next.
//!
//! A random [`LocalKey`] seals the token, and, bound to the server's half for this session, the account key. The local key
//! stands in the [keyring], and in the file wrapped by the password: after the machine was switched off,
//! the password opens what is here, and the session goes on. Once the session has ended, nothing does.

use client::{Device, device::DeviceRng};
use crypto::{account_key::AccountKey, kdf::KdfParams, local_key::LocalKey};
use protocol::{Binary, SessionId, Username, account::SignedIn, id::AccountId};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Profile, keyring};
use crate::{
    device::{Machine, ServerAddress},
    terminal::ending::Problem,
};

const FILE: &str = "session";
const FORM: &str = "secure-messaging/1 session";
const TOKEN: &[u8] = b"token";
const ACCOUNT_KEY: &[u8] = b"account key";

/// Who is signed in, and where. Token and keys are sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::terminal) struct Session {
    form: String,
    pub(in crate::terminal) server: String,
    pub(in crate::terminal) username: Username,
    pub(in crate::terminal) account: AccountId,
    pub(in crate::terminal) session: SessionId,
    /// How the password is stretched that opens `local_key`.
    kdf: KdfParams,
    local_key: Binary,
    token: Binary,
    account_key: Binary,
    /// When the account's keys were last looked after, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::terminal) maintained_at_ms: Option<u64>,
}

/// A session, and the key that opens it.
#[derive(Clone)]
pub(in crate::terminal) struct Opened {
    pub(in crate::terminal) session: Session,
    pub(in crate::terminal) local_key: LocalKey,
    pub(in crate::terminal) token: Zeroizing<String>,
}

impl Session {
    /// Seals what was begun.
    pub(in crate::terminal) async fn begun(
        machine: &Machine,
        signed_in: &SignedIn,
        account_key: &AccountKey,
        password: &str,
    ) -> Result<Opened, Problem> {
        let rng = &mut DeviceRng(machine);
        let token = machine.token().ok_or_else(|| Problem::failed("The server began no session"))?;
        let local_key = LocalKey::generate(rng);
        let kdf = KdfParams::generate(rng);
        let stretched = machine.stretch(&kdf, password).await;
        let bound =
            local_key.bound_to(signed_in.unlock_half.as_slice(), signed_in.account, signed_in.session);
        let session = Self {
            form: FORM.to_owned(),
            server: machine.http().server().to_string(),
            username: signed_in.username.clone(),
            account: signed_in.account,
            session: signed_in.session,
            kdf,
            local_key: Binary(local_key.wrap(&kdf, &stretched, rng)),
            token: Binary(local_key.seal(TOKEN, token.as_bytes(), rng)),
            account_key: Binary(bound.seal(ACCOUNT_KEY, account_key.expose_bytes(), rng)),
            maintained_at_ms: None,
        };
        Ok(Opened { session, local_key, token })
    }

    /// Opens with the key in the keyring. `None`: it is not there, or is another session's.
    pub(in crate::terminal) fn open_with_keyring(&self, profile: &Profile) -> Option<Opened> {
        self.open(keyring::find(profile.folder())?)
    }

    /// Opens with the password. `None`: it is another one.
    pub(in crate::terminal) async fn open_with_password(
        &self,
        machine: &Machine,
        password: &str,
    ) -> Option<Opened> {
        let stretched = machine.stretch(&self.kdf, password).await;
        self.open(LocalKey::unwrap(&self.kdf, &stretched, self.local_key.as_slice()).ok()?)
    }

    fn open(&self, local_key: LocalKey) -> Option<Opened> {
        let token = local_key.open(TOKEN, self.token.as_slice()).ok()?;
        let token = Zeroizing::new(str::from_utf8(&token).ok()?.to_owned());
        Some(Opened { session: self.clone(), local_key, token })
    }

    /// The server's address.
    pub(in crate::terminal) fn server(&self) -> Result<ServerAddress, Problem> {
        self.server.parse().map_err(Problem::failed)
    }
}

impl Opened {
    /// The account key, for a session that goes on. `None`: it is not this one.
    pub(in crate::terminal) fn account_key(&self, current: &SignedIn) -> Option<AccountKey> {
        let bound = self.local_key.bound_to(current.unlock_half.as_slice(), current.account, current.session);
        let key = bound.open(ACCOUNT_KEY, self.session.account_key.as_slice()).ok()?;
        Some(AccountKey::from_bytes(key.as_slice().try_into().ok()?))
    }

    /// The server renewed the token.
    pub(in crate::terminal) fn renew(&mut self, machine: &Machine, token: Zeroizing<String>) {
        let sealed = self.local_key.seal(TOKEN, token.as_bytes(), &mut DeviceRng(machine));
        self.session.token = Binary(sealed);
        self.token = token;
    }

    /// The account has another password.
    pub(in crate::terminal) async fn rewrap(&mut self, machine: &Machine, password: &str) {
        let rng = &mut DeviceRng(machine);
        let kdf = KdfParams::generate(rng);
        let stretched = machine.stretch(&kdf, password).await;
        self.session.local_key = Binary(self.local_key.wrap(&kdf, &stretched, rng));
        self.session.kdf = kdf;
    }
}

impl Profile {
    /// Who is signed in.
    pub(in crate::terminal) fn session(&self) -> Result<Option<Session>, Problem> {
        let Some(text) = self.read(FILE)? else { return Ok(None) };
        let path = self.folder().join(FILE);
        match serde_json::from_str::<Session>(&text) {
            Ok(session) if session.form == FORM => Ok(Some(session)),
            _ => Err(Problem::failed(format!(
                "{} is damaged or of another version: remove it, and sign in again",
                path.display()
            ))),
        }
    }

    /// Keeps a session that has begun. Says whether the keyring holds its key.
    pub(in crate::terminal) fn keep_session(&self, opened: &Opened) -> Result<bool, Problem> {
        let _lock = self.lock()?;
        self.write_session(&opened.session)?;
        Ok(keyring::keep(self.folder(), &opened.local_key))
    }

    /// Keeps what has changed in a session, unless it has ended meanwhile, or another has begun.
    pub(in crate::terminal) fn update_session(&self, opened: &Opened) -> Result<(), Problem> {
        let _lock = self.lock()?;
        let standing = self.session()?.filter(|standing| standing.session == opened.session.session);
        let Some(Session { maintained_at_ms, .. }) = standing else { return Ok(()) };
        self.write_session(&Session { maintained_at_ms, ..opened.session.clone() })
    }

    /// Notes when an account's keys were looked after, unless its session has ended meanwhile.
    pub(in crate::terminal) fn note_upkeep(&self, session: SessionId, at_ms: u64) -> Result<(), Problem> {
        let _lock = self.lock()?;
        let standing = self.session()?.filter(|standing| standing.session == session);
        let Some(standing) = standing else { return Ok(()) };
        self.write_session(&Session { maintained_at_ms: Some(at_ms), ..standing })
    }

    /// Forgets a session and its key; one that another process began meanwhile stays.
    pub(in crate::terminal) fn forget_session(&self, session: SessionId) -> Result<(), Problem> {
        let _lock = self.lock()?;
        if self.session()?.is_some_and(|standing| standing.session != session) {
            return Ok(());
        }
        keyring::forget(self.folder());
        self.remove(FILE)
    }

    fn write_session(&self, session: &Session) -> Result<(), Problem> {
        let json = serde_json::to_vec(session).expect("a session is a plain struct");
        self.replace(FILE, &json)
    }
}

use crypto::{
    device::DevicePublic,
    id::{AccountId, DeviceId, SessionId},
};
use protocol::{Refusal, Username, refusal::Code};
use tracing::{debug, warn};

use super::{
    RENEW_TOKEN_AFTER_MS, SEEN_PRECISION_MS, SessionToken, is_over,
    token::{self, Named},
};
use crate::{Network, Relay};

/// Somebody who is signed in. Only [`Relay::authenticate`] makes one: a verb that takes a `&Caller` needs no check of its
/// own.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) account: AccountId,
    pub(super) session: SessionId,
    pub(super) username: Username,
    pub(super) network: Network,
    pub(super) renewed: Option<SessionToken>,
    pub(super) device: Option<(DeviceId, DevicePublic)>,
}

impl Caller {
    /// Who it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// By which session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Under which name.
    pub fn username(&self) -> &Username {
        &self.username
    }

    /// From where.
    pub fn network(&self) -> Network {
        self.network
    }

    /// By which of the account's devices, with its key: once it has said so.
    pub fn device(&self) -> Option<(DeviceId, DevicePublic)> {
        self.device
    }

    /// A fresh token for the same session, when the one that came was old: the face hands it back with its answer.
    pub fn renewed(&self) -> Option<&SessionToken> {
        self.renewed.as_ref()
    }
}

impl Relay {
    /// Turns a token into a caller. Reads the session's row each time, so that ending a session is real.
    ///
    /// # Errors
    /// [`Code::NotSignedIn`], whatever is wrong with the token or its session.
    pub async fn authenticate(&self, token: &str, network: Network) -> Result<Caller, Refusal> {
        let now_ms = self.0.now_ms();
        let Some(named) = token::read(&self.0.secrets.token_key, token, now_ms) else {
            warn!("a session token was refused");
            return Err(Code::NotSignedIn.into());
        };
        let Named { account, session, issued_at_ms } = named;
        let Some(live) = self.0.store.find_session(session).await? else {
            debug!(%account, "a token named a session that is over");
            return Err(Code::NotSignedIn.into());
        };
        if live.account != account || is_over(&live, now_ms) {
            debug!(%account, "a token named a session that is over");
            return Err(Code::NotSignedIn.into());
        }
        // Only forwards: a clock that was wrong for a moment must not make a used session look forgotten.
        if now_ms.saturating_sub(live.last_seen_at_ms) >= SEEN_PRECISION_MS {
            self.0.store.touch_session(session, now_ms).await?;
        }
        let renewed = (now_ms.abs_diff(issued_at_ms) >= RENEW_TOKEN_AFTER_MS).then(|| {
            token::issue(&self.0.secrets.token_key, Named { account, session, issued_at_ms: now_ms })
        });
        Ok(Caller { account, session, username: live.username, network, renewed, device: live.device })
    }
}

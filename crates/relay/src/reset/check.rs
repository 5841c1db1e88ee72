use crypto::one_time::ResetToken;
use protocol::{
    Refusal,
    refusal::Code,
    reset::{CheckReset, ResetChecked},
};
use tracing::{info, warn};

use super::RESET_TOKEN_MS;
use crate::{Network, Relay, port::StandingReset};

impl Relay {
    /// What a token is for, and what a device needs to keep what was written. The token stays good.
    ///
    /// # Errors
    /// [`Code::InvalidToken`]; [`Code::TokenExpired`]; [`Code::TooManyRequests`].
    pub async fn check_reset(&self, request: CheckReset, network: Network) -> Result<ResetChecked, Refusal> {
        let CheckReset { token } = request;
        let standing = self.standing_reset(&token, network).await?;
        Ok(ResetChecked {
            account: standing.account,
            username: standing.username,
            second_factor: standing.totp.is_some(),
            wrapped_by_recovery_key: standing.wrapped_by_recovery_key,
            identity_row: standing.identity_row,
            prekey: standing.prekey,
        })
    }

    /// The reset that a token stands for, if it is young enough. A clock that stepped makes tokens old, never young.
    pub(super) async fn standing_reset(
        &self,
        token: &ResetToken,
        network: Network,
    ) -> Result<StandingReset, Refusal> {
        let now_ms = self.0.now_ms();
        self.0.brakes.token(network, now_ms).inspect_err(|_| warn!("reset: too many tokens were tried"))?;
        let Some(standing) = self.0.store.find_reset(token.hash()).await? else {
            info!("reset: a token that does not stand");
            return Err(Code::InvalidToken.into());
        };
        if now_ms.abs_diff(standing.armed_at_ms) >= RESET_TOKEN_MS {
            info!(account = %standing.account, "reset: a token that is too old");
            return Err(Code::TokenExpired.into());
        }
        Ok(standing)
    }
}

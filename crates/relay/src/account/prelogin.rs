use protocol::{
    Refusal,
    account::{Prelogin, PreloginAnswer},
};
use tracing::warn;

use crate::{Network, Relay};

impl Relay {
    /// How this name's password is stretched. A name that nobody has gets an answer too, always the same, which looks
    /// like any other.
    ///
    /// # Errors
    /// [`TooManyRequests`](protocol::Code::TooManyRequests), and the store's.
    pub async fn prelogin(&self, request: Prelogin, network: Network) -> Result<PreloginAnswer, Refusal> {
        let Prelogin { username } = request;
        let now_ms = self.0.now_ms();
        self.0.brakes.prelogin(network, now_ms).inspect_err(|_| warn!("prelogin: too many attempts"))?;
        // Computed for known names too, so that both take the same time.
        let of_unknown = self.0.secrets.kdf_of_unknown(&username);
        let credentials = self.0.store.find_credentials(&username).await?;
        Ok(PreloginAnswer { kdf: credentials.map_or(of_unknown, |credentials| credentials.kdf) })
    }
}

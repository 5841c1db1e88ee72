use std::collections::HashMap;

use crypto::id::AccountId;
use protocol::{
    Refusal,
    directory::{FetchKeys, KeyBundle, Keys},
    limits::MAX_RECIPIENTS,
    refusal::Code,
};

use crate::{Caller, Relay};

impl Relay {
    /// The keys of accounts, in the order in which they were asked for, each once; accounts that do not exist are left
    /// out, and those that their owners deleted are named.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] when too many are asked for at once.
    pub async fn fetch_keys(&self, _caller: &Caller, request: FetchKeys) -> Result<Keys, Refusal> {
        let FetchKeys { accounts } = request;
        if accounts.len() > MAX_RECIPIENTS {
            let message = format!("Ask for the keys of at most {MAX_RECIPIENTS} accounts at once");
            return Err(Refusal::because(Code::InvalidRequest, message));
        }
        let found = self.0.store.find_keys(&accounts).await?;
        let mut found: HashMap<_, KeyBundle> =
            found.into_iter().map(|bundle| (bundle.account, bundle)).collect();
        let bundles: Vec<KeyBundle> = accounts.iter().filter_map(|account| found.remove(account)).collect();
        let missing: Vec<AccountId> = accounts
            .into_iter()
            .filter(|account| !bundles.iter().any(|bundle| bundle.account == *account))
            .collect();
        let deleted =
            if missing.is_empty() { Vec::new() } else { self.0.store.find_deleted(&missing).await? };
        Ok(Keys { bundles, deleted })
    }
}

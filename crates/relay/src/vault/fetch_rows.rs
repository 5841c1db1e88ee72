use protocol::{
    Refusal,
    vault::{FetchRows, Rows},
};

use crate::{Caller, Relay};

impl Relay {
    /// All rows of the caller's vault, in the order of kind and key id.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn fetch_rows(&self, caller: &Caller, FetchRows {}: FetchRows) -> Result<Rows, Refusal> {
        Ok(Rows { rows: self.0.store.vault_rows(caller.account()).await? })
    }
}

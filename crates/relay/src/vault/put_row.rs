use protocol::{
    Refusal,
    limits::{MAX_VAULT_BYTES, MAX_VAULT_KEY_ID_BYTES, MAX_VAULT_ROW_BYTES, MAX_VAULT_ROWS},
    refusal::Code,
    vault::{PutRow, Row, RowPut},
};

use crate::{
    Caller, Relay,
    port::{PutOutcome, VaultRoom},
};

const ROOM: VaultRoom = VaultRoom { rows: MAX_VAULT_ROWS, bytes: MAX_VAULT_BYTES };

impl Relay {
    /// Writes a row if the one that stands there has the version before, or the one that the request names: compare and set.
    ///
    /// # Errors
    /// [`Code::VersionConflict`]; [`Code::QuotaExceeded`] when the vault is full; [`Code::InvalidRequest`] for a row
    /// out of bounds.
    pub async fn put_row(&self, caller: &Caller, request: PutRow) -> Result<RowPut, Refusal> {
        let PutRow { row, after } = request;
        check_bounds(&row)?;
        let after = after.unwrap_or(row.version - 1);
        if after >= row.version {
            return Err(Refusal::because(Code::InvalidRequest, "The versions of a vault row count up"));
        }
        match self.0.store.put_vault_row(caller.account(), row, after, ROOM).await? {
            PutOutcome::Done => Ok(RowPut {}),
            PutOutcome::VersionConflict => Err(Code::VersionConflict.into()),
            PutOutcome::Full => {
                Err(Refusal::because(Code::QuotaExceeded, "The vault of this account is full"))
            }
        }
    }
}

fn check_bounds(row: &Row) -> Result<(), Refusal> {
    let refused = |message: &'static str| Err(Refusal::because(Code::InvalidRequest, message));
    if row.version == 0 {
        return refused("The versions of a vault row begin with 1");
    }
    if i64::try_from(row.version).is_err() {
        return refused("The version of a vault row is out of range");
    }
    if row.key_id.0.len() > MAX_VAULT_KEY_ID_BYTES {
        return refused("The key id of a vault row has at most 32 bytes");
    }
    if row.sealed.0.is_empty() || row.sealed.0.len() > MAX_VAULT_ROW_BYTES {
        return refused("A vault row has 1 to 4096 bytes");
    }
    Ok(())
}

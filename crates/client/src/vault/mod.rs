//! The vault as one device sees it: rows loaded, opened, written by compare-and-set, and never taken back.
//!
//! A device remembers each row that it has seen. A server that later returns an older version of one, another row under
//! the same version, or leaves one out, is found out. What was newer here is offered to it once more, as a server that was
//! set back to a copy takes it; one that does not is refused. A device that never saw the vault cannot tell; see
//! `docs/threat-model.md`.

mod contents;
mod keys;

use std::sync::{Arc, Mutex, PoisonError};

use crypto::{
    archive::ArchiveKey,
    id::{AccountId, EpochId, Fingerprint, PrekeyId},
    identity::{IdentityKey, IdentityPublic},
    prekey::{PrekeyKind, PrekeySecret},
    vault::{VaultKey, VaultKind, VaultPlace},
};
use protocol::{
    Binary, Code, Username,
    vault::{FetchRows, PutRow, Row},
};
use zeroize::Zeroizing;

use crate::{
    CallError, Device, Interruption, StoreUnavailable,
    device::{Change, DeviceRng},
    pins::Pin,
    records::Records,
};

use contents::{Contents, Displaced, both_of};
pub(crate) use contents::{prekey_key_id, prekey_to_row};
pub(crate) use keys::CLOCKS_MS;

/// How often a row is written anew after another device was faster.
const MAX_ROUNDS: usize = 8;

/// Why the vault was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultRefused {
    /// A row does not open: it is not one that a device of this account wrote at this place and version.
    #[error(
        "The server returned keys that none of your devices wrote: nothing was changed, ask who runs the server"
    )]
    DoesNotOpen,
    /// A row is older than one that this device has seen, or is missing.
    #[error("The server returned an older copy of your keys: nothing was changed, ask who runs the server")]
    OlderCopy,
    /// The account's own keys are not in the vault.
    #[error("The server did not return your keys: without them no message opens, ask who runs the server")]
    NoKeys,
}

/// The rows of one account's vault.
pub(crate) struct Vault {
    account: AccountId,
    key: VaultKey,
    contents: Mutex<Contents>,
    /// One exchange with the relay at a time: an answer that was on its way while a row was written would look like an
    /// older copy.
    turn: futures::lock::Mutex<()>,
}

impl Vault {
    /// The rows that this device has seen; without the network.
    pub(crate) async fn load(
        device: &impl Device,
        records: &Records,
        account: AccountId,
        key: VaultKey,
    ) -> Result<Self, StoreUnavailable> {
        let mut contents = Contents::default();
        for (_, json) in device.scan(&records.rows()).await? {
            // A damaged record is as good as none: the row comes again from the relay.
            if let Ok(row) = serde_json::from_slice::<Row>(&json) {
                let _ = contents.absorb(account, &key, &row);
            }
        }
        Ok(Self { account, key, contents: Mutex::new(contents), turn: futures::lock::Mutex::new(()) })
    }

    /// Fetches all rows and takes what is new. `true`: the server had lost some, and has them again.
    pub(crate) async fn refresh(
        &self,
        device: &impl Device,
        records: &Records,
    ) -> Result<bool, Interruption> {
        let _turn = self.turn.lock().await;
        self.fetch(device, records).await
    }

    async fn fetch(&self, device: &impl Device, records: &Records) -> Result<bool, Interruption> {
        let mut fetched = device.call(FetchRows {}).await?.rows;
        // Before anything is taken in its place.
        for _ in 0..MAX_ROUNDS {
            if !self.keep_displaced(device, records, &fetched).await? {
                break;
            }
            fetched = device.call(FetchRows {}).await?.rows;
        }
        let lost = self.contents().newer_than(&fetched);
        let changes = {
            let mut contents = self.contents();
            let mut next = contents.clone();
            let mut changes = Vec::new();
            for row in &fetched {
                let is_older = next
                    .standing(row.kind, row.key_id.as_slice())
                    .is_some_and(|known| known.version > row.version);
                if !is_older && next.absorb(self.account, &self.key, row)? {
                    changes.push(row_record(records, row));
                }
            }
            *contents = next;
            changes
        };
        if !changes.is_empty() {
            records.write(device, changes).await?;
        }
        if lost.is_empty() {
            return Ok(false);
        }
        let mut lost = lost;
        for _ in 0..MAX_ROUNDS {
            let full = self.restore(device, records, lost, &fetched).await?;
            fetched = device.call(FetchRows {}).await?.rows;
            lost = self.contents().newer_than(&fetched);
            // A full vault takes no more: what this device has it still knows.
            lost.retain(|(row, _)| !full.contains(&(row.kind, row.key_id.0.clone())));
            if lost.is_empty() {
                return Ok(true);
            }
        }
        Err(VaultRefused::OlderCopy.into())
    }

    /// Gives batches another place whose own place the server has given to others. `true`: one was given its place, or another
    /// device was faster, so that it is to be looked again.
    async fn keep_displaced(
        &self,
        device: &impl Device,
        records: &Records,
        fetched: &[Row],
    ) -> Result<bool, Interruption> {
        let (slot, batch, there, known) = {
            let contents = self.contents();
            let displaced = contents.displaced_by(self.account, &self.key, fetched)?.pop();
            let (slot, batch) = match displaced {
                None => return Ok(false),
                Some(Displaced::Into(slot, batch)) => (slot, batch),
                Some(Displaced::Free(slot, batch)) => match contents.free_slot(slot, fetched) {
                    Some(free) => (free, batch),
                    None => return Ok(false),
                },
            };
            let mut rows = fetched.iter().filter(|row| row.kind == VaultKind::OneTimePrekeys);
            let there = rows.find(|row| row.key_id.as_slice() == slot.key_id()).map_or(0, |row| row.version);
            let known = contents.standing(VaultKind::OneTimePrekeys, &slot.key_id());
            (slot, batch, there, known.map_or(0, |row| row.version))
        };
        let version = there.max(known).saturating_add(1);
        let row =
            self.sealed_row(device, VaultKind::OneTimePrekeys, &slot.key_id(), version, &batch.to_row());
        match device.call(PutRow { row: row.clone(), after: Some(there) }).await {
            Ok(_) => {
                self.contents().absorb(self.account, &self.key, &row)?;
                records.write(device, vec![row_record(records, &row)]).await?;
                Ok(true)
            }
            Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => Ok(true),
            // A full vault takes no more.
            Err(CallError::Refused(refusal)) if refusal.code == Code::QuotaExceeded => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives rows back to a server that has older ones or none; where another device has written one meanwhile that does not
    /// come from the own one, both are brought together. Returns the places that a full vault had no room for. One that
    /// somebody else writes at the same moment is left to the next round.
    async fn restore(
        &self,
        device: &impl Device,
        records: &Records,
        lost: Vec<(Row, u64)>,
        fetched: &[Row],
    ) -> Result<Vec<(VaultKind, Vec<u8>)>, Interruption> {
        let mut full = Vec::new();
        for (row, standing) in lost {
            let place = (row.kind, row.key_id.0.clone());
            let there = fetched.iter().find(|there| (there.kind, &there.key_id.0) == (place.0, &place.1));
            let row = self.brought_together(device, row, there)?;
            match device.call(PutRow { row: row.clone(), after: Some(standing) }).await {
                Ok(_) => {
                    self.contents().absorb(self.account, &self.key, &row)?;
                    records.write(device, vec![row_record(records, &row)]).await?;
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => {}
                Err(CallError::Refused(refusal)) if refusal.code == Code::QuotaExceeded => full.push(place),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(full)
    }

    /// The row that a server gets that was set back: the own one, or one that comes after both.
    fn brought_together(
        &self,
        device: &impl Device,
        own: Row,
        there: Option<&Row>,
    ) -> Result<Row, VaultRefused> {
        let Some(there) = there else { return Ok(own) };
        let opened = |row: &Row| {
            let place = self.place(row.kind, row.key_id.as_slice(), row.version);
            self.key.open(place, row.sealed.as_slice()).map_err(|_| VaultRefused::DoesNotOpen)
        };
        let both = both_of(own.kind, &opened(&own)?, &opened(there)?);
        Ok(match both {
            None => own,
            Some(both) => {
                self.sealed_row(device, own.kind, own.key_id.as_slice(), own.version.saturating_add(1), &both)
            }
        })
    }

    /// The account's identity key.
    pub(crate) fn identity(&self) -> Result<IdentityKey, VaultRefused> {
        self.contents().identity.clone().ok_or(VaultRefused::NoKeys)
    }

    /// The account's own public identity key of this fingerprint: today's, or one from before a reset.
    pub(crate) fn own_identity(&self, fingerprint: Fingerprint) -> Option<IdentityPublic> {
        let contents = self.contents();
        let today = contents.identity.as_ref().map(IdentityKey::public);
        today
            .filter(|today| today.fingerprint() == fingerprint)
            .or_else(|| contents.past_identities.get(&fingerprint).copied())
    }

    /// The private halves of an account's prekey of this number, under the identity key of this fingerprint, as long as
    /// they live: one, as a rule.
    pub(crate) fn prekeys(
        &self,
        identity: Fingerprint,
        kind: PrekeyKind,
        id: PrekeyId,
    ) -> Vec<Arc<PrekeySecret>> {
        self.contents().prekeys(identity, kind, id)
    }

    /// Whether this prekey lives.
    pub(crate) fn has_prekey(&self, identity: Fingerprint, kind: PrekeyKind, id: PrekeyId) -> bool {
        self.contents().has_prekey(identity, kind, id)
    }

    /// Whether the account's own keys are there.
    pub(crate) fn has_keys(&self) -> bool {
        self.contents().has_keys()
    }

    /// The key of an archive epoch.
    pub(crate) fn archive_key(&self, epoch: EpochId) -> Option<ArchiveKey> {
        self.contents().archive_key(epoch)
    }

    /// The pin of a contact.
    pub(crate) fn pin(&self, contact: AccountId) -> Option<Pin> {
        self.contents().pins.get(&contact).cloned()
    }

    /// Everyone who is pinned.
    pub(crate) fn contacts(&self) -> Vec<AccountId> {
        self.contents().pins.keys().copied().collect()
    }

    /// Who was pinned under this name.
    pub(crate) fn pinned_as(&self, username: &Username) -> Option<AccountId> {
        let contents = self.contents();
        contents.pins.iter().find(|(_, pin)| pin.username == *username).map(|(account, _)| *account)
    }

    /// Compares and sets the pin of a contact: `edit` sees the pin that stands and says what it shall be, or `None` when
    /// it is right as it is. When another device was faster, the row is fetched and `edit` asked again.
    pub(crate) async fn edit_pin(
        &self,
        device: &impl Device,
        records: &Records,
        contact: AccountId,
        edit: impl Fn(Option<&Pin>) -> Option<Pin>,
    ) -> Result<(), Interruption> {
        let place = (VaultKind::Pin, contact.to_bytes().to_vec());
        let edited =
            |contents: &Contents| edit(contents.pins.get(&contact)).map(|pin| Zeroizing::new(pin.to_bytes()));
        self.edit_row(device, records, place, edited).await
    }

    /// Whether a row of this content makes sense.
    pub(crate) fn makes_sense(&self, kind: VaultKind, key_id: &[u8], content: &[u8]) -> bool {
        Contents::default().understand(kind, key_id, content).is_some()
    }

    /// Adds a row, unless one stands at its place.
    pub(crate) async fn add_if_missing(
        &self,
        device: &impl Device,
        records: &Records,
        kind: VaultKind,
        key_id: &[u8],
        content: &[u8],
    ) -> Result<(), Interruption> {
        let place = (kind, key_id.to_vec());
        let added = |contents: &Contents| {
            let is_missing = contents.standing(kind, key_id).is_none();
            is_missing.then(|| Zeroizing::new(content.to_vec()))
        };
        self.edit_row(device, records, place, added).await
    }

    async fn edit_row(
        &self,
        device: &impl Device,
        records: &Records,
        place: (VaultKind, Vec<u8>),
        edit: impl Fn(&Contents) -> Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), Interruption> {
        let _turn = self.turn.lock().await;
        for _ in 0..MAX_ROUNDS {
            let row = {
                let contents = self.contents();
                let Some(content) = edit(&contents) else { return Ok(()) };
                let version = contents.standing(place.0, &place.1).map_or(0, |row| row.version) + 1;
                self.sealed_row(device, place.0, &place.1, version, &content)
            };
            match device.call(PutRow { row: row.clone(), after: None }).await {
                Ok(_) => {
                    self.contents().absorb(self.account, &self.key, &row)?;
                    records.write(device, vec![row_record(records, &row)]).await?;
                    return Ok(());
                }
                Err(CallError::Refused(refusal)) if refusal.code == Code::VersionConflict => {
                    self.fetch(device, records).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // Eight devices that change one row at the same moment: the next attempt will find them done.
        Err(Interruption::Busy(Code::VersionConflict.into()))
    }

    fn sealed_row(
        &self,
        device: &impl Device,
        kind: VaultKind,
        key_id: &[u8],
        version: u64,
        plaintext: &[u8],
    ) -> Row {
        let sealed = self.key.seal(self.place(kind, key_id, version), plaintext, &mut DeviceRng(device));
        Row { kind, key_id: Binary(key_id.to_vec()), version, sealed: Binary(sealed) }
    }

    fn place<'a>(&self, kind: VaultKind, key_id: &'a [u8], version: u64) -> VaultPlace<'a> {
        VaultPlace { account: self.account, kind, key_id, version }
    }

    fn contents(&self) -> std::sync::MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The record of a row: the row itself, which is sealed under the vault key.
pub(crate) fn row_record(records: &Records, row: &Row) -> Change {
    Change::Put {
        name: records.row(row.kind, row.key_id.as_slice()),
        bytes: serde_json::to_vec(row).expect("a row is a plain struct"),
    }
}

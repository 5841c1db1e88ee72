//! The keys of an account that begins: at sign-up, and after a reset that lost the ones before.

use crypto::{
    account_key::AccountKey,
    id::{AccountId, PrekeyId},
    identity::{IdentityKey, IdentityPublic},
    prekey::{PrekeySecret, SignedPrekey},
    vault::{VaultKind, VaultPlace},
};
use protocol::{Binary, vault::NewRow};

use crate::{
    Device,
    device::DeviceRng,
    vault::{prekey_key_id, prekey_to_row},
};

/// An identity key and its first prekey: their public halves, and the vault rows of their seeds.
pub(crate) struct NewKeys {
    pub(crate) identity: IdentityPublic,
    pub(crate) prekey: SignedPrekey,
    pub(crate) vault: Vec<NewRow>,
}

impl NewKeys {
    /// Draws them, and seals the seeds under the account key. The prekey's id and sequence are the next ones.
    pub(crate) fn draw(
        device: &impl Device,
        account: AccountId,
        account_key: &AccountKey,
        id: PrekeyId,
        sequence: u64,
    ) -> Self {
        let rng = &mut DeviceRng(device);
        let identity = IdentityKey::generate(rng);
        let prekey = PrekeySecret::generate(id, sequence, rng);
        let vault_key = account_key.vault_key();
        let first_row = |kind, key_id: &[u8], plaintext: &[u8]| {
            let place = VaultPlace { account, kind, key_id, version: 1 };
            NewRow {
                kind,
                key_id: Binary(key_id.to_vec()),
                sealed: Binary(vault_key.seal(place, plaintext, &mut DeviceRng(device))),
            }
        };
        Self {
            vault: vec![
                first_row(VaultKind::Identity, &[], identity.seed().expose_bytes()),
                first_row(VaultKind::Prekey, &prekey_key_id(prekey.id()), &prekey_to_row(&prekey)),
            ],
            identity: identity.public(),
            prekey: prekey.sign(account, &identity),
        }
    }
}

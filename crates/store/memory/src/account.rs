use std::collections::{BTreeMap, HashSet};

use crypto::{
    id::{DeviceId, MessageId, TokenHash},
    vault::VaultKind,
};
use protocol::{
    EmailAddress,
    mailbox::ArchivedKey,
    vault::{NewRow, Row},
};
use relay::port::{Credentials, ItemState, NewAccount, NewWraps, StoredSealedVault, StoredTotp};

use crate::prekeys::Pool;

/// All that is one account's own, but its sessions.
#[derive(Clone)]
pub(crate) struct Account {
    /// As it was registered; what changes later changes here.
    pub(crate) registered: NewAccount,
    pub(crate) login_mails: bool,
    pub(crate) recovery_key_made_at_ms: u64,
    pub(crate) prekey_at_ms: u64,
    /// That of the account itself has no device.
    pub(crate) pools: BTreeMap<Option<DeviceId>, Pool>,
    pub(crate) email_wish: Option<EmailWish>,
    pub(crate) totp: Totp,
    pub(crate) recovery_codes: HashSet<TokenHash>,
    pub(crate) reset: Option<Armed>,
    pub(crate) vault: Vault,
    pub(crate) sealed_vaults: BTreeMap<u32, PutAway>,
    pub(crate) last_sealed_vault: u32,
    pub(crate) mailbox: Vec<Delivery>,
}

pub(crate) type Vault = BTreeMap<(VaultKind, Vec<u8>), Row>;

/// A token, and when it was made good.
#[derive(Clone, Copy)]
pub(crate) struct Armed {
    pub(crate) token: TokenHash,
    pub(crate) at_ms: u64,
}

#[derive(Clone)]
pub(crate) struct EmailWish {
    pub(crate) email: EmailAddress,
    pub(crate) armed: Option<Armed>,
}

#[derive(Clone, Default)]
pub(crate) enum Totp {
    #[default]
    Off,
    /// This secret is being set up.
    Pending(Vec<u8>),
    On {
        totp: StoredTotp,
        since_ms: u64,
    },
}

#[derive(Clone)]
pub(crate) struct PutAway {
    pub(crate) vault: StoredSealedVault,
    pub(crate) at_ms: u64,
}

#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) message: MessageId,
    pub(crate) seal: Vec<u8>,
    pub(crate) archived: Option<ArchivedKey>,
    pub(crate) state: ItemState,
}

impl Delivery {
    /// Whether there was anything left.
    pub(crate) fn erase(&mut self) -> bool {
        self.seal = Vec::new();
        self.archived = None;
        std::mem::replace(&mut self.state, ItemState::Erased) != ItemState::Erased
    }
}

impl Account {
    pub(crate) fn new(registered: NewAccount) -> Self {
        Self {
            login_mails: true,
            recovery_key_made_at_ms: registered.created_at_ms,
            prekey_at_ms: registered.created_at_ms,
            pools: BTreeMap::new(),
            email_wish: None,
            totp: Totp::Off,
            recovery_codes: HashSet::new(),
            reset: None,
            vault: first_rows(&registered.vault),
            sealed_vaults: BTreeMap::new(),
            last_sealed_vault: 0,
            mailbox: Vec::new(),
            registered,
        }
    }

    pub(crate) fn credentials(&self) -> Credentials {
        let Self { registered, login_mails, .. } = self;
        Credentials {
            account: registered.account,
            username: registered.username.clone(),
            kdf: registered.kdf,
            password_hash: registered.password_hash.clone(),
            sealed_wrap: registered.sealed_wrap.clone(),
            totp: self.totp.on().cloned(),
            email: registered.email.clone(),
            login_mails: *login_mails,
        }
    }

    /// The wish for another address is void then: it may be that of whoever knew the password before.
    pub(crate) fn set_password(&mut self, wraps: NewWraps) {
        let NewWraps { kdf, password_hash, sealed_wrap } = wraps;
        self.registered.kdf = kdf;
        self.registered.password_hash = password_hash;
        self.registered.sealed_wrap = sealed_wrap;
        self.email_wish = None;
    }

    /// Takes all rows out of the vault and keeps them under the next number, with the wraps and the identity key
    /// that stand at the moment.
    pub(crate) fn put_vault_away(&mut self, at_ms: u64) {
        let vault = StoredSealedVault {
            identity: self.registered.identity,
            kdf: self.registered.kdf,
            sealed_wrap: self.registered.sealed_wrap.clone(),
            wrapped_by_recovery_key: self.registered.wrapped_by_recovery_key.clone(),
            rows: std::mem::take(&mut self.vault).into_values().collect(),
        };
        self.last_sealed_vault += 1;
        self.sealed_vaults.insert(self.last_sealed_vault, PutAway { vault, at_ms });
    }
}

impl Totp {
    pub(crate) fn on(&self) -> Option<&StoredTotp> {
        match self {
            Self::On { totp, .. } => Some(totp),
            Self::Off | Self::Pending(_) => None,
        }
    }
}

/// The first rows of a vault: of a new account, or of one whose keys are replaced.
pub(crate) fn first_rows(rows: &[NewRow]) -> Vault {
    let first = rows.iter().cloned().map(|NewRow { kind, key_id, sealed }| {
        ((kind, key_id.0.clone()), Row { kind, key_id, version: 1, sealed })
    });
    first.collect()
}

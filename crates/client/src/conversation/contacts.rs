//! The names of the accounts that this device has met.

use std::collections::BTreeMap;

use crypto::{id::AccountId, identity::IdentityPublic};
use protocol::Username;

use crate::{Contact, KeyChange, records::KeptContact};

/// Accounts, their names, and the keys of theirs that are offered and not accepted.
#[derive(Default)]
pub(crate) struct Contacts(BTreeMap<AccountId, KeptContact>);

impl Contacts {
    /// Keeps a contact that is not known yet; `false` if it is.
    pub(crate) fn insert_if_new(&mut self, account: AccountId, contact: &KeptContact) -> bool {
        if self.0.contains_key(&account) {
            return false;
        }
        self.0.insert(account, contact.clone());
        true
    }

    /// Says which key is offered instead of the accepted one. The contact, if that is news.
    pub(crate) fn set_offered(
        &mut self,
        account: AccountId,
        offered: Option<IdentityPublic>,
    ) -> Option<KeptContact> {
        let contact = self.0.get_mut(&account)?;
        if contact.offered == offered {
            return None;
        }
        contact.offered = offered;
        Some(contact.clone())
    }

    /// Says whether the server shows another device log than the one that was seen. The contact, if that is news.
    pub(crate) fn set_other_log(&mut self, account: AccountId, is_another: bool) -> Option<KeptContact> {
        let contact = self.0.get_mut(&account)?;
        if contact.other_log == is_another {
            return None;
        }
        contact.other_log = is_another;
        Some(contact.clone())
    }

    /// Whether it does.
    pub(crate) fn shows_another_log(&self, account: AccountId) -> bool {
        self.0.get(&account).is_some_and(|contact| contact.other_log)
    }

    /// What the user is asked about this account.
    pub(crate) fn question(&self, account: AccountId) -> Option<KeyChange> {
        let contact = self.0.get(&account)?;
        let devices = contact.other_log.then_some(KeyChange::Devices);
        contact.offered.map(|_| KeyChange::Key).or(devices)
    }

    /// Says whether an account was deleted. The contact, if that is news.
    pub(crate) fn set_deleted(&mut self, account: AccountId, deleted: bool) -> Option<KeptContact> {
        let contact = self.0.get_mut(&account)?;
        if contact.deleted == deleted {
            return None;
        }
        contact.deleted = deleted;
        if deleted {
            contact.offered = None;
            contact.other_log = false;
        }
        Some(contact.clone())
    }

    /// Whether the directory says that this account was deleted.
    pub(crate) fn is_deleted(&self, account: AccountId) -> bool {
        self.0.get(&account).is_some_and(|contact| contact.deleted)
    }

    pub(crate) fn is_known(&self, account: AccountId) -> bool {
        self.0.contains_key(&account)
    }

    /// Who was met under this name.
    pub(crate) fn of_name(&self, username: &Username) -> Option<AccountId> {
        self.0.iter().find(|(_, kept)| kept.username == *username).map(|(account, _)| *account)
    }

    /// The key that is offered instead of the accepted one.
    pub(crate) fn offered(&self, account: AccountId) -> Option<IdentityPublic> {
        self.0.get(&account)?.offered
    }

    /// Those about whom the user is asked.
    pub(crate) fn in_question(&self) -> Vec<AccountId> {
        self.0.keys().copied().filter(|account| self.question(*account).is_some()).collect()
    }

    /// The contact, by the name it was first met under.
    pub(crate) fn contact(&self, account: AccountId) -> Contact {
        let username = self.0.get(&account).map_or_else(|| nameless(account), |kept| kept.username.clone());
        Contact { account, username }
    }
}

/// What an account is called whose name the directory does not tell.
fn nameless(account: AccountId) -> Username {
    let [a, b, c, d, ..] = account.to_bytes();
    format!("unknown-{a:02x}{b:02x}{c:02x}{d:02x}").parse().expect("sixteen letters, digits and a hyphen")
}

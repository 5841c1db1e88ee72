//! Pins: which identity keys of a contact are accepted. The first that is seen is; another one needs the user's word.

use std::collections::BTreeSet;

use crypto::{
    device_log::DeviceLog,
    id::{AccountId, Fingerprint, LogHash},
    identity::IdentityPublic,
    prekey::Prekey,
};
use protocol::{
    Cursor, Username,
    directory::{FetchKeys, KeyBundle},
    limits::MAX_RECIPIENTS,
};
use serde::{Deserialize, Serialize};

use crate::{Device, Interruption, engine::Engine, records::KeptContact};

/// Most keys that one pin remembers: a row must stay below its limit. The oldest is forgotten first.
const MAX_ACCEPTED: usize = 64;

/// The accepted identity keys of one contact. As a vault row: JSON `{"username", "accepted": [key, …]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pin {
    /// The name under which the contact was first seen.
    pub(crate) username: Username,
    /// All that were ever accepted, so that history from before a change still verifies; the last is the current one.
    accepted: Vec<IdentityPublic>,
    /// Where the own mailbox ended when the current one was accepted in the place of another: what comes after that under an
    /// older one is not theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed_at: Option<Cursor>,
    /// How far the device log of the current one was seen, by any device of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<SeenLog>,
    /// The highest sequence of a signed prekey of the current one that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prekey: Option<u64>,
}

/// How far a device log was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeenLog {
    /// Its entries.
    pub(crate) length: u32,
    /// The hash of the last of them; zeros for none.
    pub(crate) head: LogHash,
}

impl Pin {
    pub(crate) fn first_use(bundle: &KeyBundle) -> Self {
        Self {
            username: bundle.username.clone(),
            accepted: vec![bundle.identity],
            changed_at: None,
            log: None,
            prekey: None,
        }
    }

    /// How far the current key's device log was seen.
    pub(crate) fn seen_log(&self) -> SeenLog {
        self.log.unwrap_or(SeenLog { length: 0, head: LogHash::from_bytes([0; 32]) })
    }

    /// Whether this log goes on from what was seen.
    pub(crate) fn speaks_of(&self, log: &DeviceLog) -> bool {
        let seen = self.seen_log();
        log.head_at(seen.length) == Some(seen.head)
    }

    /// The pin with another log of the current key, at the user's word.
    fn accepting_log(&self, log: SeenLog) -> Self {
        Self { log: Some(log), ..self.clone() }
    }

    /// The pin with a log of the current key that was seen further; `None`: it was already.
    pub(crate) fn having_seen_log(&self, identity: &IdentityPublic, log: SeenLog) -> Option<Self> {
        let is_news = self.current() == Some(identity) && log.length > self.seen_log().length;
        is_news.then(|| Self { log: Some(log), ..self.clone() })
    }

    /// The pin with a signed prekey of the current key that was seen; `None`: it was already.
    fn having_seen_prekey(&self, identity: &IdentityPublic, sequence: u64) -> Option<Self> {
        let is_news = self.current() == Some(identity) && self.prekey.is_none_or(|seen| seen < sequence);
        is_news.then(|| Self { prekey: Some(sequence), ..self.clone() })
    }

    pub(crate) fn current(&self) -> Option<&IdentityPublic> {
        self.accepted.last()
    }

    /// The accepted key of this fingerprint.
    pub(crate) fn find(&self, fingerprint: Fingerprint) -> Option<&IdentityPublic> {
        self.accepted.iter().rev().find(|key| key.fingerprint() == fingerprint)
    }

    /// Whether what was signed by this key, and stands at this place of the own mailbox, may be theirs.
    pub(crate) fn counts_at(&self, key: &IdentityPublic, place: Cursor) -> bool {
        self.current() == Some(key) || self.changed_at.is_none_or(|changed_at| place <= changed_at)
    }

    /// The pin with older keys counting no further than up to this place; `None`: they do not.
    pub(crate) fn changed_at_most(&self, place: Cursor) -> Option<Self> {
        let is_further = self.changed_at.is_some_and(|changed_at| changed_at > place);
        is_further.then(|| Self { changed_at: Some(place), ..self.clone() })
    }

    /// The pin with one more key, which is the current one after this place of the own mailbox.
    fn accepting(&self, key: IdentityPublic, after: Cursor) -> Self {
        let mut pin = self.clone();
        pin.changed_at = Some(after);
        pin.accepted.retain(|known| *known != key);
        pin.accepted.push(key);
        (pin.log, pin.prekey) = (None, None);
        let too_many = pin.accepted.len().saturating_sub(MAX_ACCEPTED);
        pin.accepted.drain(..too_many);
        pin
    }

    /// A pin of today with what one from before a reset knew: the older keys come first. `None`: nothing is to be changed.
    ///
    /// The key of today stays the current one. Where there is none of today, the old one's current key is pinned again: a
    /// contact whose key changed meanwhile shows as changed, as they would have without the reset.
    /// Older keys count up to `end`, where the own mailbox ends now.
    pub(crate) fn merged(standing: Option<&Self>, old: &Self, end: Cursor) -> Option<Self> {
        let Some(standing) = standing else { return Some(old.clone()) };
        let mut merged = standing.clone();
        let new_to_it: Vec<IdentityPublic> =
            old.accepted.iter().filter(|key| !standing.accepted.contains(key)).copied().collect();
        if new_to_it.is_empty() {
            return None;
        }
        merged.accepted.splice(0..0, new_to_it);
        merged.changed_at = Some(merged.changed_at.unwrap_or(end));
        let too_many = merged.accepted.len().saturating_sub(MAX_ACCEPTED);
        merged.accepted.drain(..too_many);
        (merged != *standing).then_some(merged)
    }

    /// This pin with the keys that another one has accepted since a server was set back; `None`: it has them all. What that one
    /// has seen of a device log is the later word.
    pub(crate) fn merged_with(&self, there: &Self) -> Option<Self> {
        let is_new = |key: &&IdentityPublic| !self.accepted.contains(key);
        if there.accepted.iter().all(|key| !is_new(&key)) {
            return None;
        }
        let mut both = there.clone();
        let missing: Vec<IdentityPublic> =
            self.accepted.iter().filter(|key| !there.accepted.contains(key)).copied().collect();
        both.accepted.splice(0..0, missing);
        let too_many = both.accepted.len().saturating_sub(MAX_ACCEPTED);
        both.accepted.drain(..too_many);
        Some(both)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok().filter(|pin: &Self| !pin.accepted.is_empty())
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a pin is a plain struct")
    }
}

/// What a key bundle is worth, once it was held against the pin.
pub(crate) enum Checked {
    /// The accepted identity vouches for this prekey.
    Usable(Box<Prekey>),
    /// The directory offers another identity than the accepted one.
    Changed,
    /// The prekey is not signed by the identity beside it, or is weak.
    Unsound,
    /// The signed prekey is older than one that was seen.
    Older,
}

/// What the directory said about accounts.
struct Fetched {
    bundles: Vec<KeyBundle>,
    /// Whether there was also somebody under a name that belongs to another account.
    misnamed: bool,
}

impl<D: Device> Engine<D> {
    /// Fetches the bundles of these accounts and keeps their names.
    ///
    /// # Errors
    /// [`Interruption::NameOfAnother`], when one of them comes under a name that is not theirs.
    pub(crate) async fn fetch_bundles(&self, accounts: &[AccountId]) -> Result<Vec<KeyBundle>, Interruption> {
        let Fetched { bundles, misnamed } = self.fetch(accounts).await?;
        if misnamed { Err(Interruption::NameOfAnother) } else { Ok(bundles) }
    }

    /// As [`Self::fetch_bundles`], without those that come under a name that is not theirs.
    pub(crate) async fn fetch_well_named(
        &self,
        accounts: &[AccountId],
    ) -> Result<Vec<KeyBundle>, Interruption> {
        Ok(self.fetch(accounts).await?.bundles)
    }

    /// In as many calls as it takes.
    async fn fetch(&self, accounts: &[AccountId]) -> Result<Fetched, Interruption> {
        let mut bundles = Vec::with_capacity(accounts.len());
        for chunk in accounts.chunks(MAX_RECIPIENTS) {
            let keys = self.device.call(FetchKeys { accounts: chunk.to_vec() }).await?;
            // Only what was asked for, each once: a server cannot slip in somebody else.
            let is_there = |account: &AccountId| keys.bundles.iter().any(|bundle| bundle.account == *account);
            let deleted = keys.deleted.iter().copied().filter(|account| !is_there(account));
            self.note_deleted(chunk, &deleted.collect(), is_there).await?;
            for bundle in keys.bundles {
                let asked = chunk.contains(&bundle.account);
                let again = bundles.iter().any(|known: &KeyBundle| known.account == bundle.account);
                if asked && !again {
                    bundles.push(bundle);
                }
            }
        }
        let asked = bundles.len();
        let mut names = BTreeSet::new();
        bundles.retain(|bundle| self.is_own_name(bundle) && names.insert(bundle.username.clone()));
        self.note_contacts(&bundles).await?;
        Ok(Fetched { misnamed: bundles.len() < asked, bundles })
    }

    /// Whether nobody else was met under the name of this bundle. A pin says who an account's key is; people are chosen
    /// by name, so a name must not come to stand for another account either. Who is known keeps the name of the first
    /// time, whatever the directory says.
    fn is_own_name(&self, KeyBundle { account, username, .. }: &KeyBundle) -> bool {
        let state = self.state();
        *account == self.me.account
            || state.contacts.is_known(*account)
            || self.vault.pin(*account).is_some()
            || (*username != self.me.username
                && state.contacts.of_name(username).is_none()
                && self.vault.pinned_as(username).is_none())
    }

    /// Holds a bundle against the pin of its account; the first sound one becomes the pin.
    pub(crate) async fn check_bundle(&self, bundle: &KeyBundle) -> Result<Checked, Interruption> {
        let Ok(prekey) = bundle.prekey.verify(bundle.account, &bundle.identity) else {
            return Ok(Checked::Unsound);
        };
        if bundle.account == self.me.account {
            let mine = self.identity.public() == bundle.identity;
            return Ok(if mine { Checked::Usable(Box::new(prekey)) } else { Checked::Changed });
        }
        let vault = &self.vault;
        if vault.pin(bundle.account).is_some_and(|pin| pin.current() != Some(&bundle.identity)) {
            // Another device of this account may have accepted the new key meanwhile.
            self.refresh_vault().await?;
        }
        if vault.pin(bundle.account).is_none() {
            // A row in another account's vault would lock its owner out.
            self.check_whose_session().await?;
        }
        let first_use = |pin: Option<&Pin>| pin.is_none().then(|| Pin::first_use(bundle));
        vault.edit_pin(&*self.device, &self.records, bundle.account, first_use).await?;
        let pinned = vault.pin(bundle.account);
        let accepted = pinned.is_some_and(|pin| pin.current() == Some(&bundle.identity));
        self.note_offer(bundle, accepted).await?;
        if !accepted {
            return Ok(Checked::Changed);
        }
        if vault.pin(bundle.account).is_some_and(|pin| pin.prekey > Some(prekey.sequence())) {
            return Ok(Checked::Older);
        }
        let seen = |pin: Option<&Pin>| pin?.having_seen_prekey(&bundle.identity, prekey.sequence());
        vault.edit_pin(&*self.device, &self.records, bundle.account, seen).await?;
        Ok(Checked::Usable(Box::new(prekey)))
    }

    /// Accepts the key that the directory offers for this contact now; or, where the key is the accepted one, the device log
    /// that it speaks of.
    pub(crate) async fn accept_offered(&self, bundle: &KeyBundle) -> Result<(), Interruption> {
        let key = bundle.identity;
        self.check_whose_session().await?;
        let log = SeenLog { length: bundle.log_length, head: bundle.log_head };
        let end = self.state().end();
        let shows_another_log = self.state().contacts.shows_another_log(bundle.account);
        let accept = |pin: Option<&Pin>| match pin {
            None => Some(Pin::first_use(bundle)),
            Some(pin) if pin.current() != Some(&key) => Some(pin.accepting(key, end)),
            Some(pin) => (shows_another_log && pin.seen_log() != log).then(|| pin.accepting_log(log)),
        };
        self.vault.edit_pin(&*self.device, &self.records, bundle.account, accept).await?;
        self.note_offer(bundle, true).await?;
        self.refresh_logs(&[(bundle.account, key)]).await.map(drop)
    }

    /// Keeps the names, so that they can be shown without the network.
    async fn note_contacts(&self, bundles: &[KeyBundle]) -> Result<(), Interruption> {
        let mut changes = Vec::new();
        for bundle in bundles {
            // The name under which a contact was pinned is as hard to change as the key.
            let pinned = self.vault.pin(bundle.account).map(|pin| pin.username);
            let username = pinned.unwrap_or_else(|| bundle.username.clone());
            let contact = KeptContact { username, offered: None, other_log: false, deleted: false };
            let new = self.state().contacts.insert_if_new(bundle.account, &contact);
            if new {
                changes.push(self.records.put(&*self.device, self.records.contact(bundle.account), &contact));
            }
        }
        if !changes.is_empty() {
            self.records.write(&*self.device, changes).await?;
        }
        Ok(())
    }

    /// Remembers of which accounts the directory says that their owners deleted them; forgets it of those that are there.
    async fn note_deleted(
        &self,
        asked: &[AccountId],
        deleted: &BTreeSet<AccountId>,
        is_there: impl Fn(&AccountId) -> bool,
    ) -> Result<(), Interruption> {
        let mut changes = Vec::new();
        for account in asked.iter().filter(|account| deleted.contains(account) || is_there(account)) {
            let changed = self.state().contacts.set_deleted(*account, deleted.contains(account));
            if let Some(contact) = changed {
                changes.push(self.records.put(&*self.device, self.records.contact(*account), &contact));
            }
        }
        if !changes.is_empty() {
            self.records.write(&*self.device, changes).await?;
            self.changed();
        }
        Ok(())
    }

    /// Looks at the keys and device logs of everyone in a conversation: whether one has changed, or an account was deleted.
    pub(crate) async fn look_at_keys(&self, members: &[AccountId]) -> Result<(), Interruption> {
        let others: Vec<AccountId> =
            members.iter().copied().filter(|member| *member != self.me.account).collect();
        let mut logs = Vec::new();
        for bundle in self.fetch_well_named(&others).await? {
            match self.check_bundle(&bundle).await {
                Ok(Checked::Usable(_)) if self.lacks_log(&bundle) => {
                    logs.push((bundle.account, bundle.identity))
                }
                // A full vault takes no more pins.
                Ok(_) | Err(Interruption::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if logs.is_empty() { Ok(()) } else { self.refresh_logs(&logs).await.map(drop) }
    }

    /// Remembers or forgets that the server shows another device log of a contact than the one that was seen.
    pub(crate) async fn note_other_log(
        &self,
        contact: AccountId,
        is_another: bool,
    ) -> Result<(), Interruption> {
        if contact == self.me.account {
            return Ok(());
        }
        let changed = self.state().contacts.set_other_log(contact, is_another);
        if let Some(kept) = changed {
            let change = self.records.put(&*self.device, self.records.contact(contact), &kept);
            self.records.write(&*self.device, vec![change]).await?;
            self.changed();
        }
        Ok(())
    }

    /// Remembers or forgets that the directory offers a key that is not accepted.
    async fn note_offer(&self, bundle: &KeyBundle, accepted: bool) -> Result<(), Interruption> {
        let offered = (!accepted).then_some(bundle.identity);
        let changed = self.state().contacts.set_offered(bundle.account, offered);
        if let Some(contact) = changed {
            let change = self.records.put(&*self.device, self.records.contact(bundle.account), &contact);
            self.records.write(&*self.device, vec![change]).await?;
            self.changed();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crypto::identity::{IdentityKey, IdentitySeed};

    use super::*;

    fn key(seed: u8) -> IdentityPublic {
        IdentityKey::from_seed(&IdentitySeed::from_bytes(&[seed; 32])).public()
    }

    fn pin() -> Pin {
        Pin {
            username: "bob".parse().unwrap(),
            accepted: vec![key(1)],
            changed_at: None,
            log: None,
            prekey: None,
        }
    }

    #[test]
    fn an_accepted_key_is_the_current_one_and_the_older_ones_still_count() {
        let pin =
            pin().accepting(key(2), Cursor(5)).accepting(key(3), Cursor(7)).accepting(key(2), Cursor(9));
        assert_eq!(pin.current(), Some(&key(2)));
        for old in [1, 2, 3] {
            assert_eq!(pin.find(key(old).fingerprint()), Some(&key(old)));
        }
        let counts = |seed, place| pin.counts_at(&key(seed), Cursor(place));
        assert!(counts(1, 9) && counts(3, 9) && counts(2, 10));
        assert!(!counts(1, 10) && !counts(3, 10), "what comes after the change is not theirs");
        assert_eq!(pin.find(key(4).fingerprint()), None);
        assert_eq!(pin.accepted.len(), 3);
    }

    #[test]
    fn a_pin_stays_below_the_limit_of_a_vault_row() {
        let pin = (2..200).fold(pin(), |pin, seed| pin.accepting(key(seed), Cursor(u64::MAX)));
        assert_eq!(pin.current(), Some(&key(199)));
        // The nonce and the tag of the seal take 28 bytes more.
        assert!(pin.to_bytes().len() + 28 <= protocol::limits::MAX_VAULT_ROW_BYTES);
        assert_eq!(Pin::parse(&pin.to_bytes()), Some(pin));
    }

    #[test]
    fn pins_from_before_a_reset_add_older_keys_and_change_nothing_of_today() {
        let today = pin();
        let old = Pin { username: "robert".parse().unwrap(), accepted: vec![key(3), key(2)], ..pin() };
        assert_eq!(Pin::merged(None, &old, Cursor(9)), Some(old.clone()));
        let merged = Pin::merged(Some(&today), &old, Cursor(9)).unwrap();
        assert_eq!((merged.current(), &merged.username), (Some(&key(1)), &today.username));
        assert_eq!(merged.accepted, [key(3), key(2), key(1)]);
        assert_eq!(Pin::merged(Some(&merged), &old, Cursor(9)), None);
        let full = (2..64).fold(today, |pin, seed| pin.accepting(key(seed), Cursor(u64::MAX)));
        let merged = Pin::merged(
            Some(&full),
            &Pin { username: old.username, accepted: vec![key(90), key(91)], ..pin() },
            Cursor(9),
        );
        assert_eq!(merged.unwrap().accepted.len(), MAX_ACCEPTED);
    }

    #[test]
    fn the_form_of_a_pin_is_frozen() {
        let json = format!(r#"{{"username":"bob","accepted":["{}"]}}"#, key(1));
        assert_eq!(String::from_utf8(pin().to_bytes()).unwrap(), json);
        assert_eq!(Pin::parse(br#"{"username":"bob","accepted":[]}"#), None);
    }
}

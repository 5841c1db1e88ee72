//! What deliveries need before they can climb the [ladder](crate::inbox): keys, pins, names and device logs that are new.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{envelope::Delivery, id::AccountId, identity::IdentityPublic};
use protocol::{
    Cursor,
    mailbox::{FetchPage, Item},
};

use crate::{
    Device, Interruption,
    engine::Engine,
    inbox::{Clock, Here, Ladder, SenderKey},
    repairs::Repair,
};

impl<D: Device> Engine<D> {
    /// Pins the senders that are met for the first time, learns the names of the others, and looks for keys, pins and device
    /// logs that are new. What another device has archived meanwhile is fetched again.
    pub(crate) async fn fetch_what_the_ladder_needs(
        &self,
        mut items: Vec<Item>,
    ) -> Result<Vec<Item>, Interruption> {
        let needs = self.needs(&items);
        if !needs.keys.is_empty() {
            self.refresh_vault().await?;
        }
        let asked: Vec<AccountId> = needs.senders.union(&needs.strangers).copied().collect();
        if !asked.is_empty() {
            for bundle in self.fetch_well_named(&asked).await? {
                if !needs.senders.contains(&bundle.account) {
                    continue;
                }
                match self.check_bundle(&bundle).await {
                    // A full vault takes no more pins: this sender's messages are held, those of the others are not.
                    Ok(_) | Err(Interruption::Refused(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let needs = self.needs(&items);
        if !needs.logs.is_empty() {
            // Logs that were refused are as good as unknown: what they should verify is held.
            let refused = self.refresh_logs(&needs.logs).await?;
            if refused.contains_key(&self.me.account) {
                match self.refresh_own_log().await {
                    Ok(()) | Err(Interruption::OwnLog(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if !needs.keys.is_empty() {
            for item in items.iter_mut().filter(|item| needs.keys.contains(&item.cursor)) {
                self.fetch_again(item).await?;
            }
            self.refresh_vault().await?;
        }
        Ok(items)
    }

    /// A seal whose key is gone was opened by another device, which has archived it before it erased the key.
    async fn fetch_again(&self, item: &mut Item) -> Result<(), Interruption> {
        let after = Cursor(item.cursor.0.saturating_sub(1));
        let page = self.device.call(FetchPage { after, limit: 1 }).await?;
        let again = page.items.into_iter().find(|again| again.cursor == item.cursor);
        if let Some(again) = again.filter(|again| again.archived.is_some() || again.shared.0.is_empty()) {
            if again.archived != item.archived {
                self.note_repair(Repair::FetchedAgain).await?;
            }
            *item = again;
        }
        Ok(())
    }

    fn needs(&self, items: &[Item]) -> Needs {
        let me = self.me.account;
        let (logs, state) = (self.logs(), self.state());
        let nobody = Here::default();
        let no_texts = BTreeMap::new();
        let ladder = Ladder {
            me,
            vault: &self.vault,
            logs: &logs,
            state: &state,
            here: &nobody,
            own_texts: &no_texts,
            clock: Clock { here_ms: 0, there_ms: 0 },
        };
        let mut needs = Needs::default();
        for item in items {
            let Ok(delivery) = Delivery::parse(item.shared.as_slice(), item.seal.as_slice()) else {
                continue;
            };
            let header = delivery.claimed_header();
            if header.place_of(me).is_none() {
                continue;
            }
            if ladder.lacks_key(header, item) {
                needs.keys.insert(item.cursor);
            }
            match ladder.sender_key(header, item.cursor) {
                // Whether the directory offers it once more.
                SenderKey::NotAccepted | SenderKey::Outdated => {
                    needs.senders.insert(header.sender);
                }
                SenderKey::Accepted(identity) if ladder.lacks_log(header, &identity) => {
                    let log = (header.sender, identity);
                    if !needs.logs.contains(&log) {
                        needs.logs.push(log);
                    }
                }
                SenderKey::Accepted(_) | SenderKey::Forged => {}
            }
            let is_known = |account: &AccountId| *account == me || state.contacts.is_known(*account);
            needs.strangers.extend(header.accounts().filter(|account| !is_known(account)));
        }
        needs
    }
}

/// What is missing before deliveries can climb.
#[derive(Default)]
struct Needs {
    /// Whose keys are not accepted.
    senders: BTreeSet<AccountId>,
    /// Whose names are not known.
    strangers: BTreeSet<AccountId>,
    /// Which logs are not known far enough.
    logs: Vec<(AccountId, IdentityPublic)>,
    /// Which deliveries have no key here.
    keys: BTreeSet<Cursor>,
}

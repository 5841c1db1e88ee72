//! Somebody who has everything that there is now: what the server holds, the vault, the password and the recovery key (each
//! leads to the account key), and all envelopes that ever came over the network. It really tries. Nothing of the engine is
//! used: rows are read after their description.

use std::collections::BTreeMap;

use client::Device;
use crypto::{
    archive::{ArchiveKey, ArchivePlace},
    device::{DeviceKey, DeviceSeed},
    device_log::DeviceLog,
    envelope::{Envelope, Sender, Way},
    id::{AccountId, DeviceId, EpochId, MessageId, PrekeyId},
    identity::{IdentityKey, IdentitySeed},
    prekey::{PrekeyKind, PrekeySecret, PrekeySeed},
    vault::{VaultKind, VaultPlace},
};
use futures::executor::block_on;
use protocol::{
    Call, Cursor,
    device::{FetchLogs, LogAfter},
    id::ConversationId,
    mailbox::{ArchivedKey, FetchPage, Item, Send},
    vault::FetchRows,
};
use serde_json::{Value, json};

use crate::{device::TestDevice, people::Person, world::World};

/// All that one account's keys and mailbox are today.
pub(crate) struct Loot {
    account: AccountId,
    identity: IdentityKey,
    prekeys: BTreeMap<(PrekeyKind, PrekeyId), PrekeySeed>,
    archive_keys: Vec<(EpochId, ArchiveKey)>,
    mailbox: Vec<Item>,
}

impl Loot {
    /// Taken through a session of the account, by whoever holds its account key.
    pub(crate) fn of(person: &Person) -> Self {
        let account = person.account.me().account;
        let device: &TestDevice = &person.device;
        let key = person.account.account_key().vault_key();
        let mut identity = None;
        let mut prekeys = BTreeMap::new();
        let mut archive_keys = Vec::new();
        for row in block_on(device.call(FetchRows {})).unwrap().rows {
            let key_id = row.key_id.as_slice();
            let place = VaultPlace { account, kind: row.kind, key_id, version: row.version };
            let content = key.open(place, row.sealed.as_slice()).unwrap();
            match row.kind {
                VaultKind::Identity => {
                    let seed = IdentitySeed::from_bytes(content.as_slice().try_into().unwrap());
                    identity = Some(IdentityKey::from_seed(&seed));
                }
                VaultKind::Prekey if content.len() == 40 => {
                    let id = PrekeyId(u32::from_be_bytes(key_id.try_into().unwrap()));
                    let seed = PrekeySeed::from_bytes(content[8..].try_into().unwrap());
                    prekeys.insert((PrekeyKind::Signed, id), seed);
                }
                VaultKind::OneTimePrekeys => {
                    let first = u32::from_be_bytes(content[..4].try_into().unwrap());
                    for (seed, id) in content[20..].as_chunks::<32>().0.iter().zip(first..) {
                        if *seed != [0; 32] {
                            prekeys.insert((PrekeyKind::OneTime, PrekeyId(id)), PrekeySeed::from_bytes(seed));
                        }
                    }
                }
                VaultKind::ArchiveKey => {
                    let key = ArchiveKey::from_bytes(content[8..].try_into().unwrap());
                    archive_keys.push((EpochId::parse(key_id).unwrap(), key));
                }
                VaultKind::Prekey | VaultKind::Pin | VaultKind::PastIdentity => {}
            }
        }
        let mut mailbox = Vec::new();
        loop {
            let after = mailbox.last().map_or(Cursor::START, |item: &Item| item.cursor);
            let page = block_on(device.call(FetchPage { after, limit: 200 })).unwrap();
            if page.items.is_empty() {
                break;
            }
            mailbox.extend(page.items);
        }
        Self { account, identity: identity.unwrap(), prekeys, archive_keys, mailbox }
    }

    /// The identity key, from the vault.
    pub(crate) fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// What the server has for the account.
    pub(crate) fn mailbox(&self) -> &[Item] {
        &self.mailbox
    }

    /// How many archive epochs there were.
    pub(crate) fn epochs(&self) -> usize {
        self.archive_keys.len()
    }

    /// How many prekeys live.
    pub(crate) fn prekeys(&self, kind: PrekeyKind) -> usize {
        self.prekeys.keys().filter(|(of_kind, _)| *of_kind == kind).count()
    }

    /// What it reads of a recorded envelope, by any key that there is.
    pub(crate) fn opens(&self, envelope: &Envelope, sender: Sender) -> Option<Vec<u8>> {
        let header = envelope.claimed_header();
        let verified = envelope.delivery_to(self.account)?.verify(sender).unwrap();
        for (_, recipient) in header.places_of(self.account) {
            let Way::Sealed(kind, id) = recipient.way else { continue };
            let Some(seed) = self.prekeys.get(&(kind, id)) else { continue };
            let prekey = match kind {
                PrekeyKind::Signed => PrekeySecret::from_seed(id, 1, seed),
                PrekeyKind::OneTime | PrekeyKind::Device => PrekeySecret::one_time(id, 1, seed),
            };
            if let Ok(opened) = verified.clone().open(self.account, &self.identity.public(), &prekey) {
                return Some(opened.content().to_vec());
            }
        }
        let archived = self.mailbox.iter().filter_map(|item| item.archived.as_ref());
        archived.into_iter().find_map(|archived: &ArchivedKey| {
            self.archive_keys.iter().find_map(|(epoch, key)| {
                let place = ArchivePlace {
                    account: self.account,
                    conversation: header.conversation,
                    message: header.message,
                    epoch: *epoch,
                };
                let content_key = key.open(place, archived.sealed.as_slice()).ok()?;
                Some(verified.clone().open_with(content_key).ok()?.content().to_vec())
            })
        })
    }
}

/// A person's device log, verified from its first entry on.
pub(crate) fn log_of(person: &Person) -> DeviceLog {
    let loot = Loot::of(person);
    let identity = loot.identity.public();
    let log = LogAfter { account: loot.account, identity: identity.fingerprint(), after: 0 };
    let logs = block_on(person.device.call(FetchLogs { logs: vec![log] })).unwrap().logs;
    let mut log = DeviceLog::empty(loot.account, identity);
    logs[0].iter().for_each(|entry| log.take(entry).unwrap());
    log
}

/// The keys by which an envelope of the owner of this log is verified.
pub(crate) fn sender_of(log: &DeviceLog, envelope: &Envelope) -> Sender {
    let device = envelope.claimed_header().device.unwrap();
    Sender { identity: log.identity(), device: Some((device, log.device(device).unwrap().key)) }
}

/// Whether anybody's loot opens this message of `author`, from the recording of the network.
pub(crate) fn opens_for_any(world: &World, loot: &[Loot], author: &Person, message: MessageId) -> bool {
    let recorded = world.recorded(message);
    assert!(!recorded.is_empty(), "it went over the network");
    let log = log_of(author);
    recorded.iter().any(|envelope| {
        let sender = sender_of(&log, envelope);
        loot.iter().any(|loot| loot.opens(envelope, sender).is_some())
    })
}

/// By which kinds of prekeys the message reached its readers.
pub(crate) fn kinds(world: &World, message: MessageId) -> Vec<PrekeyKind> {
    let recorded = world.recorded(message);
    let recipients = recorded.last().unwrap().claimed_header().recipients.iter();
    let kinds = recipients.filter_map(|recipient| match recipient.way {
        Way::Sealed(kind, _) => Some(kind),
        Way::Own | Way::Absent => None,
    });
    kinds.collect()
}

/// An envelope that was sealed and never reached the server in time.
pub(crate) fn caught(from: &Person, conversation: ConversationId, text: &str) -> Envelope {
    from.writes(conversation, text);
    from.device.answer_next(Send::PATH, json!({"never": "an answer"}));
    assert!(block_on(from.account.flush()).is_err());
    let message = from.account.thread(conversation).unwrap().messages.last().unwrap().id;
    from.sealed(message).unwrap()
}

/// The server delivers it all the same, as the last of a mailbox.
pub(crate) fn delivers(to: &Person, at: u64, envelope: &Envelope) {
    delivers_all(to, at, core::slice::from_ref(envelope));
}

/// The server delivers them all the same, from this place on, as the last of a mailbox.
pub(crate) fn delivers_all(to: &Person, from: u64, envelopes: &[Envelope]) {
    let item = |(at, envelope): (u64, &Envelope)| {
        let item = json!({
            "cursor": at,
            "received_at_ms": to.device.now_ms(),
            "shared": protocol::Binary(envelope.shared_bytes().to_vec()),
            "seal": protocol::Binary(envelope.seals_of(to.account.me().account)),
        });
        (at, item)
    };
    let items: Vec<(u64, Value)> = (from..).zip(envelopes).map(item).collect();
    to.device.set_hostility(move |path, request, honest| {
        let mut page = honest?;
        if path == FetchPage::PATH {
            let after = request["after"].as_u64().unwrap();
            let asked = items.iter().filter(|(at, _)| *at > after).map(|(_, item)| item.clone());
            page["items"].as_array_mut().unwrap().extend(asked);
            page["end"] = json!(items.last().map(|(at, _)| at));
        }
        Ok(page)
    });
}

/// A person's device and its key, from the records.
pub(crate) fn device_of(person: &Person) -> (DeviceId, DeviceKey) {
    let records = person.storage.opened(&person.account.account_key().cache_key());
    records
        .into_iter()
        .find_map(|record| {
            let record: Value = serde_json::from_slice(&record).ok()?;
            let device: DeviceId = serde_json::from_value(record.get("device")?.clone()).ok()?;
            let seed: protocol::Binary = serde_json::from_value(record.get("seed")?.clone()).ok()?;
            Some((device, DeviceKey::from_seed(&DeviceSeed::from_bytes(seed.as_slice().try_into().unwrap()))))
        })
        .unwrap()
}

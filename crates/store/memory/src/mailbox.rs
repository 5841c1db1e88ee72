use std::collections::BTreeSet;

use async_trait::async_trait;
use crypto::id::{AccountId, MessageId, PrekeyId};
use protocol::{
    Binary, Cursor,
    mailbox::{ArchivedPlace, Item},
};
use relay::port::{
    CurrentKeys, Delivered, DeliveryPage, ErasedMessages, ItemState, Mailbox, NewEnvelope, SealedDelivery,
    SendContext, SentEnvelope, StoreError, UsedPrekey,
};

use crate::{Envelope, MemoryStore, State, account::Delivery, prekeys::OneTimePrekey};

#[async_trait]
impl Mailbox for MemoryStore {
    async fn send_context(
        &self,
        message: MessageId,
        sender: AccountId,
        recipients: &[AccountId],
    ) -> Result<SendContext, StoreError> {
        let state = self.lock();
        let known = recipients.iter().filter_map(|account| state.accounts.get(account));
        let sender = state.accounts.get(&sender).map(|account| &account.registered);
        Ok(SendContext {
            sent: state.envelopes.get(&message).map(|envelope| envelope.sent),
            sender: sender.map(|sender| sender.identity),
            sender_last_entry: sender.and_then(|sender| state.log_of(sender).last().cloned()),
            recipients: known
                .map(|account| CurrentKeys {
                    account: account.registered.account,
                    identity: account.registered.identity.fingerprint(),
                    prekey: account.registered.prekey.id(),
                })
                .collect(),
        })
    }

    async fn deliver(&self, envelope: NewEnvelope) -> Result<Delivered, StoreError> {
        let mut state = self.lock();
        if let Some(standing) = state.envelopes.get(&envelope.message) {
            return Ok(Delivered::AlreadySent(standing.sent));
        }
        let accounts = envelope.deliveries.iter().map(|delivery| delivery.account);
        let unknown: Vec<AccountId> =
            accounts.filter(|account| !state.accounts.contains_key(account)).collect();
        if !unknown.is_empty() {
            return Ok(Delivered::UnknownRecipients(unknown));
        }
        let stale = state.stale_prekeys(&envelope);
        if !stale.is_empty() {
            return Ok(Delivered::StalePrekeys(stale));
        }
        let NewEnvelope {
            message,
            hash,
            sender,
            received_at_ms,
            expires_at_ms,
            shared,
            used_prekeys,
            deliveries,
            ..
        } = envelope;
        for used in used_prekeys {
            let pools = state.accounts.get_mut(&used.account).map(|account| &mut account.pools);
            if let Some(pool) = pools.and_then(|pools| pools.get_mut(&used.device)) {
                pool.prekeys.remove(&used.id);
            }
        }
        let mut ends = Vec::with_capacity(deliveries.len());
        let mut sender_cursor = None;
        for SealedDelivery { account, seal, archived, state: holds } in deliveries {
            let Some(recipient) = state.accounts.get_mut(&account) else { continue };
            recipient.mailbox.push(Delivery { message, seal, archived, state: holds });
            let cursor = Cursor(recipient.mailbox.len() as u64);
            sender_cursor = if account == sender { Some(cursor) } else { sender_cursor };
            ends.push((account, cursor));
        }
        let sender_cursor = sender_cursor.unwrap_or_default();
        let sent = SentEnvelope { hash, sender, sender_cursor, received_at_ms };
        state.envelopes.insert(message, Envelope { sent, shared, expires_at_ms });
        Ok(Delivered::Stored(ends))
    }

    async fn page(
        &self,
        account: AccountId,
        after: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let state = self.lock();
        let mailbox = state.mailbox(account);
        let places = mailbox.iter().zip(1..).skip(usize::try_from(after.0).unwrap_or(usize::MAX));
        let items = state.read_places(places.take(max_items as usize), max_bytes);
        Ok(DeliveryPage { items, end: Cursor(mailbox.len() as u64) })
    }

    async fn history(
        &self,
        account: AccountId,
        before: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let state = self.lock();
        let mailbox = state.mailbox(account);
        let first = usize::try_from(before.0).unwrap_or(usize::MAX).saturating_sub(1);
        let places = mailbox.iter().enumerate().take(first).rev();
        let places = places.map(|(index, delivery)| (delivery, index as u64 + 1));
        let items = state.read_places(places.take(max_items as usize), max_bytes);
        Ok(DeliveryPage { items, end: Cursor(mailbox.len() as u64) })
    }

    async fn archive(&self, account: AccountId, keys: Vec<ArchivedPlace>) -> Result<(), StoreError> {
        let mut state = self.lock();
        let Some(found) = state.accounts.get_mut(&account) else { return Ok(()) };
        for ArchivedPlace { cursor, message, key } in keys {
            let place = found.mailbox.iter_mut().zip(1..).find(|(_, place)| *place == cursor.0);
            let waits =
                |delivery: &&mut Delivery| delivery.message == message && delivery.state == ItemState::Sealed;
            if let Some(delivery) = place.map(|(delivery, _)| delivery).filter(waits) {
                delivery.seal = Vec::new();
                delivery.archived = Some(key);
                delivery.state = ItemState::Archived;
            }
        }
        Ok(())
    }

    async fn erase(
        &self,
        account: AccountId,
        messages: Vec<MessageId>,
        for_everyone: bool,
    ) -> Result<ErasedMessages, StoreError> {
        Ok(ErasedMessages { messages: self.lock().erase(account, messages, for_everyone) })
    }

    async fn erase_expired(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError> {
        Ok(self.lock().erase_expired(now_ms, limit))
    }
}

impl State {
    fn mailbox(&self, account: AccountId) -> &[Delivery] {
        self.accounts.get(&account).map_or(&[], |account| &account.mailbox)
    }

    /// As many as fit, but at least one if there is one.
    fn read_places<'a>(
        &self,
        places: impl Iterator<Item = (&'a Delivery, u64)>,
        max_bytes: usize,
    ) -> Vec<Item> {
        let mut items = Vec::new();
        let mut bytes = 0;
        for (delivery, place) in places {
            let Some(envelope) = self.envelopes.get(&delivery.message) else { continue };
            let is_erased = delivery.state == ItemState::Erased;
            let item = Item {
                cursor: Cursor(place),
                received_at_ms: envelope.sent.received_at_ms,
                shared: Binary(if is_erased { Vec::new() } else { envelope.shared.clone() }),
                seal: Binary(delivery.seal.clone()),
                archived: delivery.archived.clone(),
            };
            let archived = item.archived.as_ref().map_or(0, |archived| archived.sealed.0.len());
            bytes += item.shared.0.len() + item.seal.0.len() + archived;
            if bytes > max_bytes && !items.is_empty() {
                break;
            }
            items.push(item);
        }
        items
    }

    /// Whose prekeys do not stand any more or are not the sender's to use; each account once.
    fn stale_prekeys(&self, envelope: &NewEnvelope) -> Vec<AccountId> {
        let stands = |(account, prekey): &(AccountId, PrekeyId)| {
            self.accounts.get(account).is_some_and(|found| found.registered.prekey.id() == *prekey)
        };
        let serves = |used: &UsedPrekey| {
            let pool = self.accounts.get(&used.account).and_then(|found| found.pools.get(&used.device));
            match pool.and_then(|pool| pool.prekeys.get(&used.id)) {
                Some(OneTimePrekey::Claimed { by, at_ms }) => {
                    *by == envelope.sender && *at_ms >= envelope.claimed_after_ms
                }
                Some(OneTimePrekey::Unclaimed { .. }) | None => false,
            }
        };
        let replaced = envelope.signed_prekeys.iter().filter(|signed| !stands(signed));
        let gone = envelope.used_prekeys.iter().filter(|used| !serves(used));
        let stale = replaced.map(|(account, _)| *account).chain(gone.map(|used| used.account));
        stale.collect::<BTreeSet<_>>().into_iter().collect()
    }
}

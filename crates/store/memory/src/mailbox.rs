use async_trait::async_trait;
use crypto::id::{AccountId, MessageId};
use protocol::{Binary, Cursor, mailbox::Item};
use relay::port::{
    CurrentKeys, Delivered, DeliveryPage, Mailbox, NewEnvelope, SealedDelivery, SendContext, SentEnvelope,
    StoreError,
};

use crate::{Envelope, MemoryStore, account::Delivery};

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
        Ok(SendContext {
            sent: state.envelopes.get(&message).map(|envelope| envelope.sent),
            sender: state.accounts.get(&sender).map(|account| account.registered.identity),
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
        let NewEnvelope { message, hash, sender, received_at_ms, shared, deliveries } = envelope;
        if let Some(envelope) = state.envelopes.get(&message) {
            return Ok(Delivered::AlreadySent(envelope.sent));
        }
        let unknown: Vec<AccountId> = deliveries
            .iter()
            .map(|delivery| delivery.account)
            .filter(|account| !state.accounts.contains_key(account))
            .collect();
        if !unknown.is_empty() {
            return Ok(Delivered::UnknownRecipients(unknown));
        }
        let mut ends = Vec::with_capacity(deliveries.len());
        let mut sender_cursor = None;
        for SealedDelivery { account, seal } in deliveries {
            let Some(recipient) = state.accounts.get_mut(&account) else { continue };
            recipient.mailbox.push(Delivery { message, seal });
            let cursor = Cursor(recipient.mailbox.len() as u64);
            sender_cursor = if account == sender { Some(cursor) } else { sender_cursor };
            ends.push((account, cursor));
        }
        let sender_cursor = sender_cursor.unwrap_or_default();
        let sent = SentEnvelope { hash, sender, sender_cursor, received_at_ms };
        state.envelopes.insert(message, Envelope { sent, shared });
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
        let mailbox = state.accounts.get(&account).map_or(&[][..], |account| &account.mailbox);
        let mut items = Vec::new();
        let mut bytes = 0;
        let places = mailbox.iter().zip(1..).skip(usize::try_from(after.0).unwrap_or(usize::MAX));
        for (delivery, place) in places.take(max_items as usize) {
            let Some(envelope) = state.envelopes.get(&delivery.message) else { continue };
            bytes += envelope.shared.len() + delivery.seal.len();
            if bytes > max_bytes && !items.is_empty() {
                break;
            }
            items.push(Item {
                cursor: Cursor(place),
                received_at_ms: envelope.sent.received_at_ms,
                shared: Binary(envelope.shared.clone()),
                seal: Binary(delivery.seal.clone()),
            });
        }
        Ok(DeliveryPage { items, end: Cursor(mailbox.len() as u64) })
    }
}

use async_trait::async_trait;
use crypto::id::{AccountId, MessageId, PrekeyId};
use futures::TryStreamExt;
use protocol::{Binary, Cursor, mailbox::Item};
use relay::port::{
    CurrentKeys, Delivered, DeliveryPage, Mailbox, NewEnvelope, SendContext, SentEnvelope, StoreError,
};
use sqlx::query;

use crate::{
    SqliteStore,
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
};

const DELIVERIES: Table = Table("deliveries");
const ENVELOPES: Table = Table("envelopes");
const KEYS: Table = Table("published_keys");
const MAILBOXES: Table = Table("mailboxes");

#[async_trait]
impl Mailbox for SqliteStore {
    /// One statement, and so of one moment: a row for each recipient that exists, with the envelope beside it that stands
    /// under the message id. Who sends is a recipient and exists, so an envelope that was sent is never missed.
    async fn send_context(
        &self,
        message: MessageId,
        sender: AccountId,
        recipients: &[AccountId],
    ) -> Result<SendContext, StoreError> {
        let mut packed = Packed::default();
        for account in recipients {
            packed.push(&[&account.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let message = message.to_bytes().to_vec();
        let found = query!(
            r#"
            select keys.account, keys.identity, keys.fingerprint, keys.prekey_id,
                   sent.hash           as "hash?",
                   sent.sender         as "sender?",
                   sent.sender_cursor  as "sender_cursor?",
                   sent.received_at_ms as "received_at_ms?"
            from   published_keys as keys
                   left join envelopes as sent on sent.message = ?3
            where  keys.account in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
            "#,
            bytes,
            rows,
            message,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;

        let mut context =
            SendContext { sent: None, sender: None, recipients: Vec::with_capacity(found.len()) };
        for row in &found {
            let account = KEYS.parse(&row.account)?;
            if account == sender {
                context.sender = Some(KEYS.parse(&row.identity)?);
            }
            let prekey =
                u32::try_from(row.prekey_id).map_err(|_| KEYS.corrupt("a prekey id is too large"))?;
            let identity = KEYS.parse(&row.fingerprint)?;
            context.recipients.push(CurrentKeys { account, identity, prekey: PrekeyId(prekey) });
            if let (Some(hash), Some(sent_by), Some(cursor), Some(received)) =
                (&row.hash, &row.sender, row.sender_cursor, row.received_at_ms)
            {
                context.sent = Some(SentEnvelope {
                    hash: ENVELOPES.parse(hash)?,
                    sender: ENVELOPES.parse(sent_by)?,
                    sender_cursor: Cursor(ENVELOPES.number(cursor)?),
                    received_at_ms: ENVELOPES.number(received)?,
                });
            }
        }
        Ok(context)
    }

    async fn deliver(&self, envelope: NewEnvelope) -> Result<Delivered, StoreError> {
        self.writer.deliver(envelope).await
    }

    /// Two statements without a transaction: a mailbox only grows, so what stands up to its end stays as it is; until its
    /// account is deleted, and then it is empty.
    async fn page(
        &self,
        account: AccountId,
        after: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let account = account.to_bytes().to_vec();
        let end = query!("select mailbox_end from mailboxes where account = ?1", account)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?
            .map_or(0, |row| row.mailbox_end);
        let after = integer(after.0);
        let mut rows = query!(
            r#"
            select   delivery.cursor, envelope.received_at_ms, envelope.shared, delivery.seal
            from     deliveries as delivery
                     join envelopes as envelope on envelope.envelope = delivery.envelope
            where    delivery.account = ?1 and delivery.cursor > ?2 and delivery.cursor <= ?3
            order by delivery.cursor
            limit    ?4
            "#,
            account,
            after,
            end,
            max_items,
        )
        .fetch(&self.readers);

        let mut items = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.try_next().await.map_err(store_error)? {
            bytes += row.shared.len() + row.seal.len();
            if bytes > max_bytes && !items.is_empty() {
                break;
            }
            items.push(Item {
                cursor: Cursor(DELIVERIES.number(row.cursor)?),
                received_at_ms: ENVELOPES.number(row.received_at_ms)?,
                shared: Binary(row.shared),
                seal: Binary(row.seal),
            });
        }
        Ok(DeliveryPage { items, end: Cursor(MAILBOXES.number(end)?) })
    }
}

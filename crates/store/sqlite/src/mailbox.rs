use async_trait::async_trait;
use crypto::id::{AccountId, MessageId, PrekeyId};
use futures::{TryStream, TryStreamExt};
use protocol::{
    Binary, Cursor,
    mailbox::{ArchivedKey, ArchivedPlace, Item},
};
use relay::port::{
    CurrentKeys, Delivered, DeliveryPage, ErasedMessages, Mailbox, NewEnvelope, SendContext, SentEnvelope,
    StoreError,
};
use sqlx::{query, query_as};

use crate::{
    SqliteStore,
    archive::Archive,
    erase::{Erase, EraseExpired},
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
};

const DELIVERIES: Table = Table("deliveries");
const ENVELOPES: Table = Table("envelopes");
const KEYS: Table = Table("published_keys");
const LOGS: Table = Table("device_logs");
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
        let sending = sender.to_bytes().to_vec();
        let found = query!(
            r#"
            select keys.account, keys.identity, keys.fingerprint, keys.prekey_id,
                   (
                       select   log.entry
                       from     device_logs as log
                       where    log.account = ?4 and log.account = keys.account
                                and log.fingerprint = keys.fingerprint
                       order by log.position desc
                       limit    1
                   )                   as "last_entry?: Vec<u8>",
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
            sending,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;

        let mut context = SendContext {
            sent: None,
            sender: None,
            sender_last_entry: None,
            recipients: Vec::with_capacity(found.len()),
        };
        for row in &found {
            let account = KEYS.parse(&row.account)?;
            if account == sender {
                context.sender = Some(KEYS.parse(&row.identity)?);
                context.sender_last_entry =
                    row.last_entry.as_ref().map(|entry| LOGS.parse(entry)).transpose()?;
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

    async fn page(
        &self,
        account: AccountId,
        after: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let account = account.to_bytes().to_vec();
        let end = self.mailbox_end(&account).await?;
        let after = integer(after.0);
        let last = integer(end.0);
        let rows = query_as!(
            PlaceRow,
            r#"
            select   delivery.cursor, envelope.received_at_ms,
                     iif(delivery.state = 4, x'', envelope.shared) as "shared!: Vec<u8>",
                     delivery.seal, delivery.epoch, delivery.archived
            from     deliveries as delivery
                     join envelopes as envelope on envelope.envelope = delivery.envelope
            where    delivery.account = ?1 and delivery.cursor > ?2 and delivery.cursor <= ?3
            order by delivery.cursor
            limit    ?4
            "#,
            account,
            after,
            last,
            max_items,
        )
        .fetch(&self.readers);
        Ok(DeliveryPage { items: read_places(rows, max_bytes).await?, end })
    }

    async fn history(
        &self,
        account: AccountId,
        before: Cursor,
        max_items: u32,
        max_bytes: usize,
    ) -> Result<DeliveryPage, StoreError> {
        let account = account.to_bytes().to_vec();
        let end = self.mailbox_end(&account).await?;
        let before = integer(before.0);
        let last = integer(end.0);
        let rows = query_as!(
            PlaceRow,
            r#"
            select   delivery.cursor, envelope.received_at_ms,
                     iif(delivery.state = 4, x'', envelope.shared) as "shared!: Vec<u8>",
                     delivery.seal, delivery.epoch, delivery.archived
            from     deliveries as delivery
                     join envelopes as envelope on envelope.envelope = delivery.envelope
            where    delivery.account = ?1 and delivery.cursor < ?2 and delivery.cursor <= ?3
            order by delivery.cursor desc
            limit    ?4
            "#,
            account,
            before,
            last,
            max_items,
        )
        .fetch(&self.readers);
        Ok(DeliveryPage { items: read_places(rows, max_bytes).await?, end })
    }

    async fn archive(&self, account: AccountId, keys: Vec<ArchivedPlace>) -> Result<(), StoreError> {
        self.writer.make(Archive { account, keys }).await
    }

    async fn erase(
        &self,
        account: AccountId,
        messages: Vec<MessageId>,
        for_everyone: bool,
    ) -> Result<ErasedMessages, StoreError> {
        self.writer.make(Erase { account, messages, for_everyone }).await
    }

    async fn erase_expired(&self, now_ms: u64, limit: usize) -> Result<usize, StoreError> {
        let erased = self.writer.make(EraseExpired { now_ms, limit }).await?;
        self.writer.empty_log().await?;
        Ok(erased)
    }
}

impl SqliteStore {
    /// What is read after it, in another statement and without a transaction, is of the same moment: a mailbox only grows,
    /// so up to this end it has the same places for ever; until its account is deleted, and then it is empty.
    async fn mailbox_end(&self, account: &[u8]) -> Result<Cursor, StoreError> {
        let row = query!("select mailbox_end from mailboxes where account = ?1", account)
            .fetch_optional(&self.readers)
            .await
            .map_err(store_error)?;
        row.map_or(Ok(Cursor::START), |row| MAILBOXES.number(row.mailbox_end).map(Cursor))
    }
}

struct PlaceRow {
    cursor: i64,
    received_at_ms: i64,
    shared: Vec<u8>,
    seal: Vec<u8>,
    epoch: Option<Vec<u8>>,
    archived: Option<Vec<u8>>,
}

impl PlaceRow {
    fn len(&self) -> usize {
        self.shared.len() + self.seal.len() + self.archived.as_ref().map_or(0, Vec::len)
    }

    fn read(self) -> Result<Item, StoreError> {
        let archived = match (self.epoch, self.archived) {
            (Some(epoch), Some(sealed)) => {
                Some(ArchivedKey { epoch: DELIVERIES.parse(&epoch)?, sealed: Binary(sealed) })
            }
            _ => None,
        };
        Ok(Item {
            cursor: Cursor(DELIVERIES.number(self.cursor)?),
            received_at_ms: ENVELOPES.number(self.received_at_ms)?,
            shared: Binary(self.shared),
            seal: Binary(self.seal),
            archived,
        })
    }
}

/// As many as fit, but at least one if there is one.
async fn read_places(
    mut rows: impl TryStream<Ok = PlaceRow, Error = sqlx::Error> + Unpin,
    max_bytes: usize,
) -> Result<Vec<Item>, StoreError> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        bytes += row.len();
        if bytes > max_bytes && !items.is_empty() {
            break;
        }
        items.push(row.read()?);
    }
    Ok(items)
}

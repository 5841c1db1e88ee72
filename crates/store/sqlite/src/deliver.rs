//! A group of envelopes in a handful of statements, whatever their number.

use std::collections::HashMap;

use crypto::id::{AccountId, MessageId};
use protocol::Cursor;
use relay::port::{Delivered, NewEnvelope, SentEnvelope, StoreError};
use sqlx::{SqliteConnection, query};

use crate::{
    error::store_error,
    packed::Packed,
    rows::{Table, integer},
};

const ENVELOPES: Table = Table("envelopes");
const MAILBOXES: Table = Table("mailboxes");

/// Puts the envelopes into the mailboxes, within the transaction that is open, and tells how each came out.
pub(crate) async fn deliver_all(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<Vec<Delivered>, StoreError> {
    if envelopes.is_empty() {
        return Ok(Vec::new());
    }
    let mut sent = sent_before(connection, envelopes).await?;
    let mut ends = mailbox_ends(connection, envelopes).await?;
    let mut row = last_row(connection).await?;

    let mut outcomes = Vec::with_capacity(envelopes.len());
    let mut new_envelopes = Packed::default();
    let mut new_deliveries = Packed::default();
    let mut grown: Vec<AccountId> = Vec::new();
    for envelope in envelopes {
        if let Some(sent) = sent.get(&envelope.message) {
            outcomes.push(Delivered::AlreadySent(*sent));
            continue;
        }
        let accounts = envelope.deliveries.iter().map(|delivery| delivery.account);
        let unknown: Vec<AccountId> = accounts.filter(|account| !ends.contains_key(account)).collect();
        if !unknown.is_empty() {
            outcomes.push(Delivered::UnknownRecipients(unknown));
            continue;
        }
        row += 1;
        let mut places = Vec::with_capacity(envelope.deliveries.len());
        let mut sender_cursor = Cursor::START;
        for delivery in &envelope.deliveries {
            let end = ends.entry(delivery.account).or_default();
            *end = end.next();
            if delivery.account == envelope.sender {
                sender_cursor = *end;
            }
            places.push((delivery.account, *end));
            grown.push(delivery.account);
            new_deliveries.push(
                &[&delivery.account.to_bytes(), &delivery.seal],
                &[integer(end.0), row, length(&delivery.seal)],
            );
        }
        let NewEnvelope { message, hash, sender, received_at_ms, .. } = *envelope;
        new_envelopes.push(
            &[&message.to_bytes(), &hash.to_bytes(), &sender.to_bytes(), &envelope.shared],
            &[row, integer(sender_cursor.0), integer(received_at_ms), length(&envelope.shared)],
        );
        sent.insert(message, SentEnvelope { hash, sender, sender_cursor, received_at_ms });
        outcomes.push(Delivered::Stored(places));
    }
    if !grown.is_empty() {
        insert_envelopes(connection, new_envelopes).await?;
        insert_deliveries(connection, new_deliveries).await?;
        move_ends(connection, grown, &ends).await?;
    }
    Ok(outcomes)
}

async fn sent_before(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<HashMap<MessageId, SentEnvelope>, StoreError> {
    let mut messages = Packed::default();
    for envelope in envelopes {
        messages.push(&[&envelope.message.to_bytes()], &[]);
    }
    let (bytes, rows) = messages.into_parameters();
    let found = query!(
        r#"
        select message, hash, sender, sender_cursor, received_at_ms
        from   envelopes
        where  message in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
        "#,
        bytes,
        rows,
    )
    .fetch_all(connection)
    .await
    .map_err(store_error)?;
    found
        .iter()
        .map(|row| {
            let sent = SentEnvelope {
                hash: ENVELOPES.parse(&row.hash)?,
                sender: ENVELOPES.parse(&row.sender)?,
                sender_cursor: Cursor(ENVELOPES.number(row.sender_cursor)?),
                received_at_ms: ENVELOPES.number(row.received_at_ms)?,
            };
            Ok((ENVELOPES.parse(&row.message)?, sent))
        })
        .collect()
}

/// The ends of the recipients' mailboxes, of those that exist.
async fn mailbox_ends(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<HashMap<AccountId, Cursor>, StoreError> {
    let recipients = envelopes.iter().flat_map(|envelope| &envelope.deliveries);
    let mut accounts: Vec<AccountId> = recipients.map(|delivery| delivery.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut packed = Packed::default();
    for account in &accounts {
        packed.push(&[&account.to_bytes()], &[]);
    }
    let (bytes, rows) = packed.into_parameters();
    let found = query!(
        r#"
        select account, mailbox_end
        from   mailboxes
        where  account in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
        "#,
        bytes,
        rows,
    )
    .fetch_all(connection)
    .await
    .map_err(store_error)?;
    found
        .iter()
        .map(|row| Ok((MAILBOXES.parse(&row.account)?, Cursor(MAILBOXES.number(row.mailbox_end)?))))
        .collect()
}

async fn last_row(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    query!(r#"select coalesce(max(envelope), 0) as "last!: i64" from envelopes"#)
        .fetch_one(connection)
        .await
        .map(|row| row.last)
        .map_err(store_error)
}

async fn insert_envelopes(connection: &mut SqliteConnection, new: Packed) -> Result<(), StoreError> {
    let (bytes, rows) = new.into_parameters();
    query!(
        r#"
        insert into envelopes (envelope, message, hash, sender, sender_cursor, received_at_ms, shared)
        select row.value ->> 1,
               substr(?1, row.value ->> 0, 16),
               substr(?1, (row.value ->> 0) + 16, 32),
               substr(?1, (row.value ->> 0) + 48, 16),
               row.value ->> 2,
               row.value ->> 3,
               substr(?1, (row.value ->> 0) + 64, row.value ->> 4)
        from   json_each(?2) as row
        "#,
        bytes,
        rows,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

async fn insert_deliveries(connection: &mut SqliteConnection, new: Packed) -> Result<(), StoreError> {
    let (bytes, rows) = new.into_parameters();
    query!(
        r#"
        insert into deliveries (account, cursor, envelope, seal)
        select substr(?1, row.value ->> 0, 16),
               row.value ->> 1,
               row.value ->> 2,
               substr(?1, (row.value ->> 0) + 16, row.value ->> 3)
        from   json_each(?2) as row
        "#,
        bytes,
        rows,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

async fn move_ends(
    connection: &mut SqliteConnection,
    mut grown: Vec<AccountId>,
    ends: &HashMap<AccountId, Cursor>,
) -> Result<(), StoreError> {
    grown.sort_unstable();
    grown.dedup();
    let mut packed = Packed::default();
    for account in grown {
        let end = ends.get(&account).copied().unwrap_or_default();
        packed.push(&[&account.to_bytes()], &[integer(end.0)]);
    }
    let (bytes, rows) = packed.into_parameters();
    query!(
        r#"
        insert into mailboxes (account, mailbox_end)
        select substr(?1, row.value ->> 0, 16), row.value ->> 1
        from   json_each(?2) as row
        where  true
        on conflict (account) do update set mailbox_end = excluded.mailbox_end
        "#,
        bytes,
        rows,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

fn length(bytes: &[u8]) -> i64 {
    integer(bytes.len() as u64)
}

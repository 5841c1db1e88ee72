//! A group of envelopes in a handful of statements, whatever their number.

use std::collections::{BTreeMap, HashMap};

use crypto::id::{AccountId, MessageId, PrekeyId};
use protocol::Cursor;
use relay::port::{Delivered, NewEnvelope, SealedDelivery, SentEnvelope, StoreError, UsedPrekey};
use sqlx::{SqliteConnection, query};

use crate::{
    error::store_error,
    packed::Packed,
    prekeys::{column_of, delete_prekeys, device_of},
    rows::{Table, integer},
};

const ENVELOPES: Table = Table("envelopes");
const KEYS: Table = Table("published_keys");
const MAILBOXES: Table = Table("mailboxes");
const PREKEYS: Table = Table("one_time_prekeys");

/// Stands for null among the numbers of a row.
const NONE: i64 = -1;

/// Puts the envelopes into the mailboxes, within the transaction that is open, and tells how each came out.
pub(crate) async fn deliver_all(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<Vec<Delivered>, StoreError> {
    if envelopes.is_empty() {
        return Ok(Vec::new());
    }
    let mut sent = sent_before(connection, envelopes).await?;
    let mut recipients = find_recipients(connection, envelopes).await?;
    let mut claimed = claimed_prekeys(connection, envelopes).await?;
    let mut row = last_row(connection).await?;

    let mut outcomes = Vec::with_capacity(envelopes.len());
    let mut new_envelopes = Packed::default();
    let mut new_deliveries = Packed::default();
    let mut grown: Vec<AccountId> = Vec::new();
    let mut used_up: Vec<i64> = Vec::new();
    for envelope in envelopes {
        if let Some(sent) = sent.get(&envelope.message) {
            outcomes.push(Delivered::AlreadySent(*sent));
            continue;
        }
        let accounts = envelope.deliveries.iter().map(|delivery| delivery.account);
        let unknown: Vec<AccountId> = accounts.filter(|account| !recipients.contains_key(account)).collect();
        if !unknown.is_empty() {
            outcomes.push(Delivered::UnknownRecipients(unknown));
            continue;
        }
        let stale = stale_prekeys(envelope, &recipients, &claimed);
        if !stale.is_empty() {
            outcomes.push(Delivered::StalePrekeys(stale));
            continue;
        }
        used_up.extend(
            envelope.used_prekeys.iter().filter_map(|used| claimed.remove(used)).map(|claim| claim.row),
        );
        row += 1;
        let mut places = Vec::with_capacity(envelope.deliveries.len());
        let mut sender_cursor = Cursor::START;
        for delivery in &envelope.deliveries {
            let Some(recipient) = recipients.get_mut(&delivery.account) else { continue };
            recipient.end = recipient.end.next();
            if delivery.account == envelope.sender {
                sender_cursor = recipient.end;
            }
            places.push((delivery.account, recipient.end));
            grown.push(delivery.account);
            push_delivery(&mut new_deliveries, delivery, row, recipient.end);
        }
        let NewEnvelope { message, hash, sender, received_at_ms, expires_at_ms, .. } = *envelope;
        new_envelopes.push(
            &[&message.to_bytes(), &hash.to_bytes(), &sender.to_bytes(), &envelope.shared],
            &[
                row,
                integer(sender_cursor.0),
                integer(received_at_ms),
                length(&envelope.shared),
                expires_at_ms.map_or(NONE, integer),
            ],
        );
        sent.insert(message, SentEnvelope { hash, sender, sender_cursor, received_at_ms });
        outcomes.push(Delivered::Stored(places));
    }
    if !grown.is_empty() {
        insert_envelopes(connection, new_envelopes).await?;
        insert_deliveries(connection, new_deliveries).await?;
        move_ends(connection, grown, &recipients).await?;
    }
    if !used_up.is_empty() {
        delete_prekeys(connection, used_up).await?;
    }
    Ok(outcomes)
}

fn push_delivery(packed: &mut Packed, delivery: &SealedDelivery, envelope: i64, cursor: Cursor) {
    let SealedDelivery { account, seal, archived, state } = delivery;
    let epoch = archived.as_ref().map(|archived| archived.epoch.to_bytes());
    let epoch = epoch.as_ref().map_or(&[][..], |epoch| epoch);
    let archived = archived.as_ref().map(|archived| archived.sealed.0.as_slice());
    packed.push(
        &[&account.to_bytes(), seal, epoch, archived.unwrap_or_default()],
        &[integer(cursor.0), envelope, length(seal), *state as i64, archived.map_or(NONE, length)],
    );
}

/// Whose prekeys do not stand any more or are not the sender's to use; each account once.
fn stale_prekeys(
    envelope: &NewEnvelope,
    recipients: &HashMap<AccountId, Recipient>,
    claimed: &BTreeMap<UsedPrekey, Claim>,
) -> Vec<AccountId> {
    let stands = |(account, prekey): &(AccountId, PrekeyId)| {
        recipients.get(account).is_some_and(|recipient| recipient.prekey == *prekey)
    };
    let serves = |used: &UsedPrekey| {
        claimed
            .get(used)
            .is_some_and(|claim| claim.by == envelope.sender && claim.at_ms >= envelope.claimed_after_ms)
    };
    let replaced = envelope.signed_prekeys.iter().filter(|signed| !stands(signed));
    let gone = envelope.used_prekeys.iter().filter(|used| !serves(used));
    let mut stale: Vec<AccountId> =
        replaced.map(|(account, _)| *account).chain(gone.map(|used| used.account)).collect();
    stale.sort_unstable();
    stale.dedup();
    stale
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

/// Where a recipient's mailbox ends, and which signed prekey stands.
struct Recipient {
    end: Cursor,
    prekey: PrekeyId,
}

/// Those of the recipients that exist.
async fn find_recipients(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<HashMap<AccountId, Recipient>, StoreError> {
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
        select mailbox.account, mailbox.mailbox_end, keys.prekey_id
        from   mailboxes as mailbox
               join published_keys as keys on keys.account = mailbox.account
        where  mailbox.account in (select substr(?1, row.value ->> 0, 16) from json_each(?2) as row)
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
            let end = Cursor(MAILBOXES.number(row.mailbox_end)?);
            let prekey = PrekeyId(KEYS.small_number(row.prekey_id)?);
            Ok((MAILBOXES.parse(&row.account)?, Recipient { end, prekey }))
        })
        .collect()
}

/// Who has claimed a prekey, and when.
struct Claim {
    row: i64,
    by: AccountId,
    at_ms: u64,
}

/// Those of the prekeys to which the envelopes are sealed that are claimed and not used up.
async fn claimed_prekeys(
    connection: &mut SqliteConnection,
    envelopes: &[NewEnvelope],
) -> Result<BTreeMap<UsedPrekey, Claim>, StoreError> {
    let mut packed = Packed::default();
    for used in envelopes.iter().flat_map(|envelope| &envelope.used_prekeys) {
        let device = column_of(used.device);
        packed.push(&[&used.account.to_bytes(), &device], &[length(&device), i64::from(used.id.0)]);
    }
    if packed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (bytes, rows) = packed.into_parameters();
    let found = query!(
        r#"
        select prekey.rowid as "row!: i64", prekey.account, prekey.device, prekey.id as "id!",
               prekey.claimed_by as "claimed_by!", prekey.claimed_at_ms as "claimed_at_ms!"
        from   json_each(?2) as row
               join one_time_prekeys as prekey
                 on prekey.account = substr(?1, row.value ->> 0, 16)
                    and prekey.device = substr(?1, (row.value ->> 0) + 16, row.value ->> 1)
                    and prekey.id = row.value ->> 2
        where  prekey.claimed_by is not null
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
            let used = UsedPrekey {
                account: PREKEYS.parse(&row.account)?,
                device: device_of(&row.device)?,
                id: PrekeyId(PREKEYS.small_number(row.id)?),
            };
            let at_ms = PREKEYS.number(row.claimed_at_ms)?;
            Ok((used, Claim { row: row.row, by: PREKEYS.parse(&row.claimed_by)?, at_ms }))
        })
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
        insert into envelopes
               (envelope, message, hash, sender, sender_cursor, received_at_ms, shared, expires_at_ms)
        select row.value ->> 1,
               substr(?1, row.value ->> 0, 16),
               substr(?1, (row.value ->> 0) + 16, 32),
               substr(?1, (row.value ->> 0) + 48, 16),
               row.value ->> 2,
               row.value ->> 3,
               substr(?1, (row.value ->> 0) + 64, row.value ->> 4),
               nullif(row.value ->> 5, -1)
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
        insert into deliveries (account, cursor, envelope, seal, state, epoch, archived)
        select substr(?1, row.value ->> 0, 16),
               row.value ->> 1,
               row.value ->> 2,
               substr(?1, (row.value ->> 0) + 16, row.value ->> 3),
               row.value ->> 4,
               iif(row.value ->> 5 = -1, null,
                   substr(?1, (row.value ->> 0) + 16 + (row.value ->> 3), 16)),
               iif(row.value ->> 5 = -1, null,
                   substr(?1, (row.value ->> 0) + 32 + (row.value ->> 3), row.value ->> 5))
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
    recipients: &HashMap<AccountId, Recipient>,
) -> Result<(), StoreError> {
    grown.sort_unstable();
    grown.dedup();
    let mut packed = Packed::default();
    for account in grown {
        let end = recipients.get(&account).map_or(Cursor::START, |recipient| recipient.end);
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

use async_trait::async_trait;
use crypto::{
    id::{AccountId, DeviceId, Fingerprint, PrekeyId},
    prekey::SignedPrekey,
};
use protocol::Cursor;
use relay::port::{Claim, Claimed, NewPrekeys, Prekeys, PublishOutcome, StoreError, StoredPrekeyStatus};
use sqlx::{SqliteConnection, query};

use crate::{
    SqliteStore,
    error::store_error,
    packed::{Packed, numbers},
    rows::{Table, integer},
    writer::Change,
};

const DELIVERIES: Table = Table("deliveries");
const KEYS: Table = Table("published_keys");
const POOLS: Table = Table("prekey_pools");
const PREKEYS: Table = Table("one_time_prekeys");

/// Old prekeys that one claim forgets: the next one goes on.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

#[async_trait]
impl Prekeys for SqliteStore {
    async fn publish_prekeys(
        &self,
        account: AccountId,
        new: NewPrekeys,
    ) -> Result<PublishOutcome, StoreError> {
        self.writer.make(Publish { account, new }).await
    }

    async fn prekey_status(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        archived_to: Cursor,
        published_after_ms: u64,
    ) -> Result<Option<StoredPrekeyStatus>, StoreError> {
        let archived_to = integer(archived_to.0);
        let published_after_ms = integer(published_after_ms);
        let account = account.to_bytes().to_vec();
        let device = device.map(|device| device.to_bytes().to_vec());
        let row = query!(
            r#"
            select keys.prekey, keys.prekey_at_ms,
                   (select count(*) from one_time_prekeys
                    where  account = ?1 and device = x'' and claimed_at_ms is null
                           and published_at_ms >= ?4)                               as "one_time_left!: i64",
                   (select last_id from prekey_pools
                    where  account = ?1 and device = x'')                           as "last_one_time?: i64",
                   (select count(*) from one_time_prekeys
                    where  account = ?1 and device = ?2 and claimed_at_ms is null
                           and published_at_ms >= ?4)                               as "device_left!: i64",
                   (select last_id from prekey_pools
                    where  account = ?1 and device = ?2)                            as "last_device?: i64",
                   (select min(cursor) from deliveries
                    where  account = ?1 and state = 1 and cursor > ?3)              as "first_unarchived?: i64"
            from   published_keys as keys
            where  keys.account = ?1
            "#,
            account,
            device,
            archived_to,
            published_after_ms,
        )
        .fetch_optional(&self.readers)
        .await
        .map_err(store_error)?;
        row.map(|row| {
            let first_unarchived =
                row.first_unarchived.map(|cursor| DELIVERIES.number(cursor)).transpose()?;
            Ok(StoredPrekeyStatus {
                signed: KEYS.parse(&row.prekey)?,
                signed_at_ms: KEYS.number(row.prekey_at_ms)?,
                one_time_left: PREKEYS.small_number(row.one_time_left)?,
                last_one_time: POOLS.small_number(row.last_one_time.unwrap_or(0))?,
                device_left: PREKEYS.small_number(row.device_left)?,
                last_device: POOLS.small_number(row.last_device.unwrap_or(0))?,
                first_unarchived: first_unarchived.map(Cursor),
            })
        })
        .transpose()
    }

    async fn outstanding_prekeys(
        &self,
        account: AccountId,
        device: Option<DeviceId>,
        published_after_ms: u64,
        claimed_after_ms: u64,
    ) -> Result<Vec<PrekeyId>, StoreError> {
        let account = account.to_bytes().to_vec();
        let device = column_of(device);
        let published_after_ms = integer(published_after_ms);
        let claimed_after_ms = integer(claimed_after_ms);
        let rows = query!(
            r#"
            select   id
            from     one_time_prekeys
            where    account = ?1 and device = ?2
                     and case when claimed_at_ms is null then published_at_ms >= ?3 else claimed_at_ms >= ?4 end
            order by id
            "#,
            account,
            device,
            published_after_ms,
            claimed_after_ms,
        )
        .fetch_all(&self.readers)
        .await
        .map_err(store_error)?;
        rows.iter().map(|row| PREKEYS.small_number(row.id).map(PrekeyId)).collect()
    }

    async fn claim_prekeys(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.writer.make(Take(claim)).await
    }
}

struct Publish {
    account: AccountId,
    new: NewPrekeys,
}

#[async_trait]
impl Change for Publish {
    type Outcome = PublishOutcome;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<PublishOutcome, StoreError> {
        let NewPrekeys { identity, signed, one_time, replace, device, at_ms, published_after_ms, room } =
            &self.new;
        let Some(standing) = standing_prekey(connection, self.account, *identity).await? else {
            return Ok(PublishOutcome::Conflict);
        };
        let signed = signed.as_ref().filter(|signed| **signed != standing);
        if signed.is_some_and(|new| new.id() <= standing.id() || new.sequence() <= standing.sequence()) {
            return Ok(PublishOutcome::Conflict);
        }
        let (taken_back, of_them_left) = match replace {
            true => unclaimed_but(connection, self.account, one_time, *published_after_ms).await?,
            false => (Vec::new(), 0),
        };
        let of_device = device.iter().map(|(device, prekeys)| (Some(*device), prekeys, 0));
        let of_account = (None, one_time, of_them_left);
        let mut pools = Vec::new();
        for (device, prekeys, goes) in [of_account].into_iter().chain(of_device) {
            let pool = find_pool(connection, self.account, device, *published_after_ms).await?;
            let new: Vec<_> = prekeys.iter().filter(|prekey| prekey.id().0 > pool.last_id).collect();
            if !new.is_empty() && pool.left as usize - goes + new.len() > *room as usize {
                return Ok(PublishOutcome::Full);
            }
            pools.push((device, new));
        }
        if !taken_back.is_empty() {
            delete_prekeys(connection, taken_back).await?;
        }
        if let Some(signed) = signed {
            set_prekey(connection, self.account, signed, *at_ms).await?;
        }
        for (device, new) in pools {
            fill_pool(connection, self.account, device, &new, *at_ms).await?;
        }
        Ok(PublishOutcome::Done)
    }
}

/// The signed prekey that stands under this identity key.
async fn standing_prekey(
    connection: &mut SqliteConnection,
    account: AccountId,
    identity: Fingerprint,
) -> Result<Option<SignedPrekey>, StoreError> {
    let account = account.to_bytes().to_vec();
    let fingerprint = identity.to_bytes().to_vec();
    let row = query!(
        "select prekey from published_keys where account = ?1 and fingerprint = ?2",
        account,
        fingerprint,
    )
    .fetch_optional(connection)
    .await
    .map_err(store_error)?;
    row.map(|row| KEYS.parse(&row.prekey)).transpose()
}

/// The rows of the account's pool that nobody has claimed, but for those of these prekeys; and how many of them somebody may
/// still get.
async fn unclaimed_but(
    connection: &mut SqliteConnection,
    account: AccountId,
    but: &[SignedPrekey],
    published_after_ms: u64,
) -> Result<(Vec<i64>, usize), StoreError> {
    let account = account.to_bytes().to_vec();
    let published_after_ms = integer(published_after_ms);
    let unclaimed = query!(
        r#"
        select rowid as "row!: i64", prekey as "prekey!", published_at_ms >= ?2 as "is_left!: bool"
        from   one_time_prekeys
        where  account = ?1 and device = x'' and claimed_at_ms is null
        "#,
        account,
        published_after_ms,
    )
    .fetch_all(connection)
    .await
    .map_err(store_error)?;
    let goes = unclaimed.iter().filter(|row| but.iter().all(|kept| kept.to_bytes() != row.prekey));
    let goes: Vec<_> = goes.collect();
    let of_them_left = goes.iter().filter(|row| row.is_left).count();
    Ok((goes.iter().map(|row| row.row).collect(), of_them_left))
}

/// Deletes these rows: prekeys that were used up, or taken back.
pub(crate) async fn delete_prekeys(
    connection: &mut SqliteConnection,
    rows: Vec<i64>,
) -> Result<(), StoreError> {
    let rows = numbers(rows);
    query!("delete from one_time_prekeys where rowid in (select row.value from json_each(?1) as row)", rows)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

struct Pool {
    last_id: u32,
    left: u32,
}

async fn find_pool(
    connection: &mut SqliteConnection,
    account: AccountId,
    device: Option<DeviceId>,
    published_after_ms: u64,
) -> Result<Pool, StoreError> {
    let account = account.to_bytes().to_vec();
    let device = column_of(device);
    let published_after_ms = integer(published_after_ms);
    let row = query!(
        r#"
        select (select last_id from prekey_pools where account = ?1 and device = ?2) as "last_id?: i64",
               (select count(*) from one_time_prekeys
                where  account = ?1 and device = ?2 and claimed_at_ms is null
                       and published_at_ms >= ?3)                                    as "left!: i64"
        "#,
        account,
        device,
        published_after_ms,
    )
    .fetch_one(connection)
    .await
    .map_err(store_error)?;
    Ok(Pool { last_id: POOLS.small_number(row.last_id.unwrap_or(0))?, left: PREKEYS.small_number(row.left)? })
}

async fn set_prekey(
    connection: &mut SqliteConnection,
    account: AccountId,
    prekey: &SignedPrekey,
    at_ms: u64,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let prekey_id = prekey.id().0;
    let prekey = prekey.to_bytes();
    let at_ms = integer(at_ms);
    query!(
        "update published_keys set prekey_id = ?2, prekey = ?3, prekey_at_ms = ?4 where account = ?1",
        account,
        prekey_id,
        prekey,
        at_ms,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

/// Puts prekeys into a pool; their ids are above all that were there.
async fn fill_pool(
    connection: &mut SqliteConnection,
    account: AccountId,
    device: Option<DeviceId>,
    new: &[&SignedPrekey],
    at_ms: u64,
) -> Result<(), StoreError> {
    let Some(last_id) = new.iter().map(|prekey| prekey.id().0).max() else { return Ok(()) };
    let account = account.to_bytes().to_vec();
    let device = column_of(device);
    let at_ms = integer(at_ms);
    query!(
        r#"
        insert into prekey_pools (account, device, last_id)
        values (?1, ?2, ?3)
        on conflict (account, device) do update set last_id = excluded.last_id
        "#,
        account,
        device,
        last_id,
    )
    .execute(&mut *connection)
    .await
    .map_err(store_error)?;
    let mut packed = Packed::default();
    for prekey in new {
        let bytes = prekey.to_bytes();
        packed.push(&[bytes], &[i64::from(prekey.id().0), integer(bytes.len() as u64)]);
    }
    let (bytes, rows) = packed.into_parameters();
    query!(
        r#"
        insert into one_time_prekeys (account, device, id, prekey, published_at_ms)
        select ?3, ?4, row.value ->> 1, substr(?1, row.value ->> 0, row.value ->> 2), ?5
        from   json_each(?2) as row
        "#,
        bytes,
        rows,
        account,
        device,
        at_ms,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

struct Take(Claim);

#[async_trait]
impl Change for Take {
    type Outcome = Vec<Claimed>;

    async fn make(&self, connection: &mut SqliteConnection) -> Result<Vec<Claimed>, StoreError> {
        forget_old(connection, self.0.published_after_ms).await?;
        let found = self.find(connection).await?;
        if !found.is_empty() {
            self.note(connection, numbers(found.iter().map(|(row, _)| *row))).await?;
        }
        Ok(found.into_iter().map(|(_, claimed)| claimed).collect())
    }
}

impl Take {
    /// The lowest unclaimed of each pool that is asked for, each with its row.
    async fn find(&self, connection: &mut SqliteConnection) -> Result<Vec<(i64, Claimed)>, StoreError> {
        let Claim { by, by_device, accounts, of_devices, published_after_ms, most_unused, .. } = &self.0;
        let mut accounts = accounts.clone();
        accounts.sort_unstable();
        // An account that is named twice does not get the same prekey twice.
        accounts.dedup();
        let mut packed = Packed::default();
        for account in &accounts {
            packed.push(&[&account.to_bytes()], &[]);
        }
        let (bytes, rows) = packed.into_parameters();
        let published_after_ms = integer(*published_after_ms);
        let by = by.to_bytes().to_vec();
        let by_device = by_device.map(|device| device.to_bytes().to_vec());
        let found = query!(
            r#"
            select prekey.rowid as "row!: i64", prekey.account, prekey.device, prekey.prekey as "prekey!"
            from   json_each(?2) as row
                   join prekey_pools as pool
                     on pool.account = substr(?1, row.value ->> 0, 16) and (pool.device <> x'') = ?3
                   join one_time_prekeys as prekey
                     on prekey.rowid = (
                            select   lowest.rowid
                            from     one_time_prekeys as lowest
                            where    lowest.account = pool.account and lowest.device = pool.device
                                     and lowest.claimed_at_ms is null and lowest.published_at_ms >= ?4
                            order by lowest.id
                            limit    1
                        )
            where  (
                       select count(*)
                       from   one_time_prekeys as unused
                       where  unused.account = pool.account and unused.device = pool.device
                              and unused.claimed_by = ?5
                   ) < ?6
                   and (?7 is null or pool.device <> ?7)
            "#,
            bytes,
            rows,
            of_devices,
            published_after_ms,
            by,
            most_unused,
            by_device,
        )
        .fetch_all(connection)
        .await
        .map_err(store_error)?;
        found
            .iter()
            .map(|row| {
                let claimed = Claimed {
                    account: PREKEYS.parse(&row.account)?,
                    device: device_of(&row.device)?,
                    prekey: PREKEYS.parse(&row.prekey)?,
                };
                Ok((row.row, claimed))
            })
            .collect()
    }

    /// Whose they are now; the prekeys themselves are handed out, and forgotten.
    async fn note(&self, connection: &mut SqliteConnection, rows: String) -> Result<(), StoreError> {
        let claimed_by = self.0.by.to_bytes().to_vec();
        let at_ms = integer(self.0.at_ms);
        query!(
            r#"
            update one_time_prekeys
            set    prekey = null, claimed_by = ?2, claimed_at_ms = ?3
            where  rowid in (select row.value from json_each(?1) as row)
            "#,
            rows,
            claimed_by,
            at_ms,
        )
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
    }
}

/// Of prekeys that were published before that time, and of claims from before it, nothing serves any more.
async fn forget_old(connection: &mut SqliteConnection, before_ms: u64) -> Result<(), StoreError> {
    let before_ms = integer(before_ms);
    query!(
        r#"
        delete from one_time_prekeys
        where       rowid in (
                        select rowid
                        from   one_time_prekeys
                        where  coalesce(claimed_at_ms, published_at_ms) < ?1
                        limit  ?2
                    )
        "#,
        before_ms,
        FORGOTTEN_AT_ONCE,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(store_error)
}

/// A device that is revoked hands nothing out any more.
pub(crate) async fn drop_pool(
    connection: &mut SqliteConnection,
    account: AccountId,
    device: DeviceId,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    let device = device.to_bytes().to_vec();
    query!("delete from one_time_prekeys where account = ?1 and device = ?2", account, device)
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    query!("delete from prekey_pools where account = ?1 and device = ?2", account, device)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

/// Of an account that goes, or whose keys are replaced: under the new identity key, all numbers begin anew.
pub(crate) async fn drop_pools(
    connection: &mut SqliteConnection,
    account: AccountId,
) -> Result<(), StoreError> {
    let account = account.to_bytes().to_vec();
    query!("delete from one_time_prekeys where account = ?1", account)
        .execute(&mut *connection)
        .await
        .map_err(store_error)?;
    query!("delete from prekey_pools where account = ?1", account)
        .execute(connection)
        .await
        .map(drop)
        .map_err(store_error)
}

/// How the tables spell whose pool it is.
pub(crate) fn column_of(device: Option<DeviceId>) -> Vec<u8> {
    device.map_or_else(Vec::new, |device| device.to_bytes().to_vec())
}

/// What [`column_of`] spelled.
pub(crate) fn device_of(column: &[u8]) -> Result<Option<DeviceId>, StoreError> {
    if column.is_empty() { Ok(None) } else { PREKEYS.parse(column).map(Some) }
}

-- Prekeys: since when the signed one stands (of one from before this step: since ever), and pools of such as serve once.

alter table published_keys add column prekey_at_ms integer not null default 0;

-- A pool's device is empty when all devices of the account have its private halves. The highest id that was ever
-- published there is kept: ids are never given twice.
create table prekey_pools (
    account blob    not null constraint prekey_pools_of_an_account references accounts (account),
    device  blob    not null,
    last_id integer not null,
    constraint prekey_pools_key                     primary key (account, device),
    constraint prekey_pools_device_is_an_id_or_none check (length(device) in (0, 16))
) strict, without rowid;

-- A prekey that is claimed was handed out and is forgotten; its row says who may use it, and goes when that is done.
create table one_time_prekeys (
    account         blob    not null,
    device          blob    not null,
    id              integer not null,
    prekey          blob,
    published_at_ms integer not null,
    claimed_by      blob,
    claimed_at_ms   integer,
    constraint one_time_prekeys_key                   primary key (account, device, id),
    constraint one_time_prekeys_of_a_pool             foreign key (account, device)
                                                      references prekey_pools (account, device),
    constraint one_time_prekeys_claimed_by_an_account check (length(claimed_by) = 16),
    constraint one_time_prekeys_a_claim_has_its_time  check ((claimed_by is null) = (claimed_at_ms is null)),
    constraint one_time_prekeys_are_claimed_once      check ((claimed_by is null) = (prekey is not null))
) strict;

-- The lowest of a pool is handed out first.
create index one_time_prekeys_unclaimed on one_time_prekeys (account, device, id) where claimed_at_ms is null;

-- What is too old to be handed out, or to be used, goes.
create index one_time_prekeys_by_age on one_time_prekeys (coalesce(claimed_at_ms, published_at_ms));

-- What a place of a mailbox holds: 1 a seal that waits to be archived, 2 an archived key, 3 seals for single devices or
-- none, which are never archived, 4 nothing any more. And when an envelope is to be erased.

alter table deliveries add column state integer not null default 1
    constraint deliveries_state_is_known check (state in (1, 2, 3, 4));

alter table deliveries add column epoch blob
    constraint deliveries_epoch_is_an_id check (length(epoch) = 16);

alter table deliveries add column archived blob
    constraint deliveries_an_archived_key_has_its_epoch check ((archived is null) = (epoch is null));

-- The lowest place that waits to be archived.
create index deliveries_unarchived on deliveries (account, cursor) where state = 1;

-- Null: never, or it is done.
alter table envelopes add column expires_at_ms integer;

create index envelopes_by_expiry on envelopes (expires_at_ms) where expires_at_ms is not null;

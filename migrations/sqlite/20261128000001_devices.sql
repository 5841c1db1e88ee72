-- Devices: which one uses a session, and the logs by which an account's identity key vouches for them.

alter table sessions add column device blob
    constraint sessions_device_is_an_id check (length(device) = 16);

alter table sessions add column device_key blob
    constraint sessions_device_key_is_a_key check (length(device_key) = 32)
    constraint sessions_a_device_has_its_key check ((device is null) = (device_key is null));

-- A log stays when its identity key is replaced and when its account is deleted: what its devices signed is in others'
-- mailboxes, and is still checked by it. So it refers to no account.
create table device_logs (
    account     blob    not null,
    fingerprint blob    not null,
    position    integer not null,
    entry       blob    not null,
    constraint device_logs_key                   primary key (account, fingerprint, position),
    constraint device_logs_account_is_an_id      check (length(account) = 16),
    constraint device_logs_fingerprint_is_a_hash check (length(fingerprint) = 32),
    constraint device_logs_positions_from_1      check (position >= 1)
) strict, without rowid;

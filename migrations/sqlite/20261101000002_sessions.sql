-- Sessions: a row that is gone is a session that has ended.

create table sessions (
    session         blob    not null constraint sessions_key primary key,
    account         blob    not null constraint sessions_of_an_account references accounts (account),
    device_name     text    not null,
    created_at_ms   integer not null,
    last_seen_at_ms integer not null,
    unlock_half     blob    not null,
    constraint sessions_session_is_an_id       check (length(session) = 16),
    constraint sessions_unlock_half_is_a_half  check (length(unlock_half) = 32)
) strict, without rowid;

create index sessions_by_account on sessions (account);

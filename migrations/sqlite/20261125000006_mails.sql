-- Mails that wait to be sent; their numbers are never given twice.

create table mails (
    mail           integer not null constraint mails_key primary key autoincrement,
    letter         text    not null,
    queued_at_ms   integer not null,
    next_try_at_ms integer not null,
    expires_at_ms  integer not null,
    tries          integer not null default 0,
    constraint mails_tries_count check (tries >= 0)
) strict;

create index mails_by_next_try on mails (next_try_at_ms);

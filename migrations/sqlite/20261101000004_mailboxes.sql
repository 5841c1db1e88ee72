-- Mailboxes: every account has one sequence of deliveries, 1, 2, 3 … without a gap; mailbox_end is the last of them.
-- What all recipients of an envelope share is stored once. The rows of envelopes stay for ever: they are what makes
-- sending an envelope twice the same as sending it once.

create table mailboxes (
    account     blob    not null constraint mailboxes_key primary key
                        constraint mailboxes_of_an_account references accounts (account),
    mailbox_end integer not null,
    constraint mailboxes_end_counts check (mailbox_end >= 0)
) strict, without rowid;

create table envelopes (
    envelope       integer not null constraint envelopes_key primary key,
    message        blob    not null constraint envelopes_message_taken unique,
    hash           blob    not null,
    sender         blob    not null,
    sender_cursor  integer not null,
    received_at_ms integer not null,
    shared         blob    not null,
    constraint envelopes_message_is_an_id check (length(message) = 16),
    constraint envelopes_hash_is_a_hash   check (length(hash) = 32)
) strict;

-- A seal is longer than what a b-tree without rowid keeps in a page: the rows lie in the order of their arrival, and the
-- primary key is an index beside them.
create table deliveries (
    account  blob    not null constraint deliveries_to_a_mailbox   references mailboxes (account),
    cursor   integer not null,
    envelope integer not null constraint deliveries_of_an_envelope references envelopes (envelope),
    seal     blob    not null,
    constraint deliveries_key             primary key (account, cursor),
    constraint deliveries_cursors_from_1  check (cursor >= 1)
) strict;

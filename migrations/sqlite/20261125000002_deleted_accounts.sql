-- Accounts that their owners deleted: neither their ids nor their names are given away again.

create table deleted_accounts (
    account       blob    not null constraint deleted_accounts_key primary key,
    username      text    not null constraint deleted_accounts_username_taken unique,
    deleted_at_ms integer not null,
    constraint deleted_accounts_account_is_an_id check (length(account) = 16)
) strict, without rowid;

-- An account that goes asks of each of its envelopes whether it is in anybody else's mailbox.
create index deliveries_by_envelope on deliveries (envelope);

-- Vault rows: sealed by the account's devices, and counted up with every change.

create table vault_rows (
    account blob    not null constraint vault_rows_of_an_account references accounts (account),
    kind    integer not null,
    key_id  blob    not null,
    version integer not null,
    sealed  blob    not null,
    constraint vault_rows_key                  primary key (account, kind, key_id),
    constraint vault_rows_versions_begin_at_1  check (version >= 1)
) strict, without rowid;

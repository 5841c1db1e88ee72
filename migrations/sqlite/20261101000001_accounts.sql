-- Accounts, how their passwords are checked, and the keys by which they are reached.

create table accounts (
    account                 blob    not null constraint accounts_key primary key,
    username                text    not null constraint accounts_username_taken unique,
    email                   text,
    kdf                     blob    not null,
    password_hash           text    not null,
    sealed_wrap             blob    not null,
    wrapped_by_recovery_key blob    not null,
    created_at_ms           integer not null,
    constraint accounts_account_is_an_id check (length(account) = 16)
) strict;

create table published_keys (
    account     blob    not null constraint published_keys_key primary key
                        constraint published_keys_of_an_account references accounts (account),
    identity    blob    not null,
    fingerprint blob    not null,
    prekey_id   integer not null,
    prekey      blob    not null,
    constraint published_keys_identity_is_a_key        check (length(identity) = 32),
    constraint published_keys_fingerprint_is_a_hash    check (length(fingerprint) = 32)
) strict;

-- Vaults that a reset without their keys put away, with what opens their account keys and the identity key of their
-- time. Their numbers count up and are never given twice to one account, also when a vault was removed meanwhile.

alter table accounts add column last_sealed_vault integer not null default 0;

create table sealed_vaults (
    account                 blob    not null constraint sealed_vaults_of_an_account references accounts (account),
    number                  integer not null,
    sealed_at_ms            integer not null,
    identity                blob    not null,
    kdf                     blob    not null,
    sealed_wrap             blob    not null,
    wrapped_by_recovery_key blob    not null,
    constraint sealed_vaults_key               primary key (account, number),
    constraint sealed_vaults_numbers_from_1    check (number >= 1),
    constraint sealed_vaults_identity_is_a_key check (length(identity) = 32)
) strict, without rowid;

create table sealed_vault_rows (
    account blob    not null,
    number  integer not null,
    kind    integer not null,
    key_id  blob    not null,
    version integer not null,
    sealed  blob    not null,
    constraint sealed_vault_rows_key                 primary key (account, number, kind, key_id),
    constraint sealed_vault_rows_of_a_sealed_vault   foreign key (account, number)
                                                     references sealed_vaults (account, number),
    constraint sealed_vault_rows_versions_begin_at_1 check (version >= 1)
) strict, without rowid;

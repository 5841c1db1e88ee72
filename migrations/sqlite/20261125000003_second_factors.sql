-- The second factor: an authenticator's secret, which is only being set up while enabled_at_ms is null; and the codes
-- that stand in for a lost authenticator. A code that is gone was used.

create table totp_secrets (
    account       blob    not null constraint totp_secrets_key primary key
                          constraint totp_secrets_of_an_account references accounts (account),
    sealed_secret blob    not null,
    enabled_at_ms integer,
    last_step     integer not null,
    constraint totp_secrets_steps_count check (last_step >= 0)
) strict, without rowid;

create table recovery_codes (
    account   blob not null constraint recovery_codes_of_an_account references accounts (account),
    code_hash blob not null,
    constraint recovery_codes_key            primary key (account, code_hash),
    constraint recovery_codes_hash_is_a_hash check (length(code_hash) = 32)
) strict, without rowid;

-- Addresses that wait to be confirmed: one an account, and the one token that confirms it, once there is one.

create table email_wishes (
    account      blob    not null constraint email_wishes_key primary key
                         constraint email_wishes_of_an_account references accounts (account),
    email        text    not null,
    wished_at_ms integer not null,
    token_hash   blob    constraint email_wishes_token_taken unique,
    armed_at_ms  integer,
    constraint email_wishes_token_hash_is_a_hash  check (length(token_hash) = 32),
    constraint email_wishes_a_token_has_its_time  check ((token_hash is null) = (armed_at_ms is null))
) strict, without rowid;

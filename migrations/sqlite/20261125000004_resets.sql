-- Password resets: the one token of an account that is good, by its hash.

create table resets (
    account     blob    not null constraint resets_key primary key
                        constraint resets_of_an_account references accounts (account),
    token_hash  blob    not null constraint resets_token_taken unique,
    armed_at_ms integer not null,
    constraint resets_token_hash_is_a_hash check (length(token_hash) = 32)
) strict, without rowid;

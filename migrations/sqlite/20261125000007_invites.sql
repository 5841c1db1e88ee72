-- Invitations to make an account, by the hashes of their tokens; their numbers are never given twice.

create table invites (
    invite        integer not null constraint invites_key primary key autoincrement,
    token_hash    blob    not null constraint invites_token_taken unique,
    uses_left     integer not null,
    created_at_ms integer not null,
    expires_at_ms integer not null,
    constraint invites_token_hash_is_a_hash check (length(token_hash) = 32),
    constraint invites_uses_count           check (uses_left >= 0)
) strict;

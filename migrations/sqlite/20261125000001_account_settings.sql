-- What the owner of an account sets: whether a mail tells of each new sign-in, and since when the recovery key is the
-- one that it is. The recovery key of an account from before this step is the one that it was made with.

alter table accounts add column login_mails integer not null default 1
    constraint accounts_login_mails_is_yes_or_no check (login_mails in (0, 1));

alter table accounts add column recovery_key_made_at_ms integer not null default 0;

update accounts set recovery_key_made_at_ms = created_at_ms;

-- Addresses are compared with the case of ASCII letters folded, which is what SQLite's lower() does.
create index accounts_by_email on accounts (lower(email));

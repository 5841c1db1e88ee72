-- Counted up while the database is written. A file beside it knows the same number: a database that is behind it, or has
-- none beside it, is a copy that was put back.
create table database_age (
    only integer not null primary key constraint database_age_is_one_row check (only = 1),
    age  integer not null
) strict;

insert into database_age (only, age) values (1, 0);

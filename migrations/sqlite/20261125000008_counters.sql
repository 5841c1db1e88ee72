-- What is counted to slow guessing down; a subject is a keyed hash, so no name and no address stands here.

create table counters (
    purpose integer not null,
    subject blob    not null,
    level   integer not null,
    at_ms   integer not null,
    constraint counters_key                 primary key (purpose, subject),
    constraint counters_purpose_is_a_byte   check (purpose between 0 and 255),
    constraint counters_subject_is_a_hash   check (length(subject) = 16),
    constraint counters_level_counts        check (level >= 1)
) strict, without rowid;

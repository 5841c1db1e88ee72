//! The relay's Store on SQLite.

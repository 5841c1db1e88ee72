//! The directory: who is there, and by which keys they are reached.

mod fetch_keys;
mod list_users;

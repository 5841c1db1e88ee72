//! Devices: each has a key, for which its account's log vouches. The relay keeps the logs in order and for ever.

mod append_log;
mod fetch_logs;

//! The server's engine: accounts, sessions, keys, mailbox.

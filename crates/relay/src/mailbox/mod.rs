//! Mailboxes: an envelope goes in once, and comes out for each of its recipients at the next place of their mailbox.

mod archive;
mod erase;
mod fetch_page;
mod send;
mod subscribe;

//! The relay's Store on SQLite: one file, one writer with group commit, several readers.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | `open` | the file and its rights, the version of SQLite, the migrations and the copy made before them |
//! | `age` | whether the file is a copy that was put back |
//! | `writer` | the one connection that writes: what waits is committed together, with one flush to the disk |
//! | `accounts`, `directory` | accounts and what their owners set; who is there, by which keys |
//! | `register`, `delete_account` | how an account comes to be, and how it goes |
//! | `sessions`, `second_factors`, `resets`, `emails` | who comes in, by what, and what changes it |
//! | `proven` | whether what was proven before a change still holds when it is made |
//! | `vault`, `sealed_vaults` | vaults, and those that resets put away |
//! | `devices`, `prekeys` | which device a session is of, and who vouches for it; keys that receive one message each |
//! | `mailbox`, `archive`, `erase` | what was sent, what takes the place of its seals, and what of it goes |
//! | `mails`, `invites`, `counters` | what the relay keeps for itself: letters, invitations, how often somebody guessed |
//! | `deliver` | a group of envelopes in a handful of statements |
//! | `packed` | many rows in one parameter, so that a statement stays the same for any number of them |
//! | `rows` | values of the database become values of the relay, or a named error |
//!
//! # The checked SQL
//!
//! Every statement is checked against the schema when the crate is compiled: from the data in `.sqlx`, so that a build
//! needs no database. After a change of a statement or a migration, `./prepare` beside this crate's manifest writes the
//! data anew (it needs the `sqlite3` shell).

mod accounts;
mod age;
mod archive;
mod counters;
mod delete_account;
mod deliver;
mod devices;
mod directory;
mod emails;
mod erase;
mod error;
mod invites;
mod mailbox;
mod mails;
mod open;
mod packed;
mod prekeys;
mod proven;
mod register;
mod resets;
mod rows;
mod sealed_vaults;
mod second_factors;
mod sessions;
mod vault;
mod writer;

use sqlx::SqlitePool;

pub use open::{CannotOpenStore, OlderSchema, Settings};

use writer::Writer;

/// A store in one SQLite file; clones share it.
///
/// Dropping the last clone lets the writer finish what waits; [`SqliteStore::close`] waits for it.
#[derive(Clone)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
}

impl SqliteStore {
    /// Takes no more work, finishes what waits, and closes the file. The writer goes last: whoever closes the last
    /// connection moves the write-ahead log into the database, and readers may not.
    pub async fn close(self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl core::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SqliteStore(..)")
    }
}

//! The vault: rows that the account's devices seal, and the relay keeps in order without reading them.

mod fetch_rows;
mod put_row;
mod sealed;

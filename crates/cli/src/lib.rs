//! The engine outside of a browser.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`device`] | the engine's port on a machine: HTTP to a server, records in memory or in a file, this machine's time and randomness |
//! | [`terminal`] | the command line: one-off commands and the interactive shell |

pub mod device;
pub mod terminal;

//! The engine outside of a browser.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`device`] | the engine's port on a machine: HTTP to a server, records in memory or in a file, this machine's time and randomness |
//! | [`gateway`] | the REST API for programs: an Axum router over the engine |
//! | [`terminal`] | the command line: one-off commands and the interactive shell |
//! | `upkeep` | what an open account needs by and by |

pub mod device;
pub mod gateway;
pub mod terminal;

mod system;
mod upkeep;

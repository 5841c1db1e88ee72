//! The engine outside of a browser.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`device`] | the engine's port on a machine: HTTP to a server, records in memory or in a file, this machine's time and randomness |
//! | [`gateway`] | the REST API for programs: an Axum router over the engine |

pub mod device;
pub mod gateway;

mod system;

//! Conversations: what the device knows about them in memory, and how it is shown.
//!
//! [`State`](state::State) is fed by records and deliveries and knows neither network nor keys; `show` makes the
//! [views](view) from it.

pub(crate) mod contacts;
mod show;
pub(crate) mod state;
pub(crate) mod view;

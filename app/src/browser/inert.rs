//! The twin on the server: the same names, and nothing happens.

/// Says on the document that the page is live.
pub fn mark_hydrated() {}

//! What the device knows.

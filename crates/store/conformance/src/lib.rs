//! The tests that every Store of the relay must pass.

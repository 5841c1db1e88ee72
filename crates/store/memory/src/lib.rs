//! The relay's Store in memory, for tests and simulations.

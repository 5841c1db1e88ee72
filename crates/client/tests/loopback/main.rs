//! Several clients and one relay in one process: stories of people, of hostile servers, and of everything that goes
//! wrong at once, from seeds.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

mod accounts;
mod attacker;
mod chance;
mod device;
mod devices;
mod disappearing;
mod erasure;
mod hostile;
mod meanwhile;
mod people;
mod prekeys;
mod prekeys_attacked;
mod programs;
mod resets;
mod restored;
mod restored_again;
mod restored_keys;
mod restored_messages;
mod restored_numbers;
mod revocations;
mod set_back_lies;
mod simulation;
mod stories;
mod thieves;
mod world;

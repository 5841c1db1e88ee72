//! Stories about the real server: it is started as a process, with a data folder of its own, and talked to over HTTP.
#![expect(clippy::unwrap_used, reason = "what fails here fails a story")]
#![expect(clippy::disallowed_methods, reason = "stories wait for a real server, in real time")]

mod accounts;
mod admin;
mod authenticator;
mod brakes;
mod canary;
mod client;
mod connections;
mod durability;
mod edge;
mod events;
mod gateway;
mod mail;
mod people;
mod process;
mod registration;
mod resets;
mod second_factor;
mod sessions;
mod smtp;
mod terminal;

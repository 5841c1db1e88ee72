//! Several clients and one relay in one process: stories of people, of hostile servers, and of everything that goes
//! wrong at once, from seeds.

mod chance;
mod device;
mod hostile;
mod people;
mod simulation;
mod stories;
mod world;

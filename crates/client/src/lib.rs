//! The device's engine: sign-up, sign-in, vault, pins, outbox, inbox, sync.

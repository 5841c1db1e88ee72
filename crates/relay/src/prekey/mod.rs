//! Prekeys: published in advance, handed out once, used up by one message.

mod claim;
mod publish;
mod status;

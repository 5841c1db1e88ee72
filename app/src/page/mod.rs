//! What stands behind an address.

pub mod compose;
pub mod conversation;
pub mod landing;
pub mod login;
pub mod mailbox;
pub mod not_found;
pub mod register;

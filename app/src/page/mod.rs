//! What stands behind an address.

pub mod compose;
pub mod confirm_email;
pub mod conversation;
pub mod forgot;
pub mod landing;
pub mod login;
pub mod mailbox;
pub mod not_found;
pub mod register;
pub mod reset;
pub mod second_step;
pub mod settings;
pub mod signed_in;
pub mod unlock;

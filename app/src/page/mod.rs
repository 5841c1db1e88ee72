//! What stands behind an address.

pub mod landing;
pub mod login;
pub mod not_found;
pub mod register;

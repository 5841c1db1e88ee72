//! Accounts: how a name's password is stretched, how an account is made, and how its owner changes and deletes it.

mod change_email;
mod change_password;
mod delete;
mod prelogin;
mod profile;
mod register;

pub use change_email::EMAIL_TOKEN_MS;

pub(crate) use register::check_first_rows;

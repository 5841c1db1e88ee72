//! Accounts: how a name's password is stretched, and how an account is made.

mod email;
mod prelogin;
mod register;

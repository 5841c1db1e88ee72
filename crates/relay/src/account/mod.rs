//! Accounts: how a name's password is stretched, and how an account is made.

mod prelogin;
mod register;

//! Mail: what the relay has to tell, put into words and handed to a mail server.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`mailer`] | the relay's port: whether there is a mail server, and the word that something waits |
//! | [`job`] | the task that sends what waits, again and again until it is taken or makes no sense any more |
//! | [`letters`] | the words |
//! | [`layout`] | a letter's parts, and how they are written as text and as HTML |
//! | [`message`] | a letter as a message of RFC 5322 |
//! | [`smtp`] | how a message gets to the mail server |
//!
//! No answer of the server waits for any of it.

pub(crate) mod job;
mod layout;
mod letters;
mod mailer;
mod message;
pub(crate) mod smtp;

pub(crate) use letters::{reset_link, time};
pub(crate) use mailer::Postbox;
pub(crate) use message::Writer;

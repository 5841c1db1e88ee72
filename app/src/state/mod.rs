//! What the device knows.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`session`] | who is signed in, and how it came to that |
//! | [`courier`] | keeps the open account and the server in step |
//! | [`recovery`] | the recovery key, until its owner has shown to have it |
//! | [`rows`] | a thread, cut into what stands below one another |
//! | [`people`] | names, put into words |

pub mod courier;
pub mod people;
pub mod recovery;
pub mod rows;
pub mod session;

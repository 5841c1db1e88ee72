//! What the device knows.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`session`] | who is signed in |
//! | [`entry`], [`locking`] | how an account is opened and closed: sign-up, sign-in, unlock; lock, log out, other tabs |
//! | [`auto_lock`] | after how long without use the page locks |
//! | [`new_sessions`] | sign-ins that the account's owner should know about |
//! | [`courier`] | keeps the open account and the server in step |
//! | [`drafts`] | what was written into a composer and not sent |
//! | [`recovery`] | the recovery key, until its owner has shown to have it |
//! | [`own_profile`] | what the account knows of itself, for the settings |
//! | [`policy`] | what this server offers to anybody |
//! | [`rows`] | a thread, cut into what stands below one another |
//! | [`people`], [`last_seen`] | names and times, put into words |

pub mod auto_lock;
pub mod courier;
pub mod drafts;
pub mod entry;
pub mod last_seen;
pub mod locking;
pub mod new_sessions;
pub mod own_profile;
pub mod people;
pub mod policy;
pub mod recovery;
pub mod rows;
pub mod session;

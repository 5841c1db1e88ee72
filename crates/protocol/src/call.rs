//! Calls: one request type, one fixed path, one answer type.
//!
//! A call is `POST {path}` with the request as JSON. Success is 200 with the answer as JSON; a refusal is the status of
//! its [`Code`](crate::Code) with a [`Refusal`](crate::Refusal) as JSON. Browsers carry the session in a cookie,
//! programs in `Authorization: Bearer`.

use serde::{Serialize, de::DeserializeOwned};

use crate::{account, directory, mailbox, vault};

/// One operation of the relay.
pub trait Call: Serialize + DeserializeOwned {
    /// Where it is posted to.
    const PATH: &'static str;
    /// What comes back.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! calls {
    ($($request:ty => $path:literal => $answer:ty;)*) => {
        $(impl Call for $request {
            const PATH: &'static str = $path;
            type Answer = $answer;
        })*

        /// Every path, in the order of the map above; the relay's faces serve exactly these.
        pub const PATHS: &[&str] = &[$($path),*];
    };
}

calls! {
    account::Prelogin => "/fn/account/prelogin" => account::PreloginAnswer;
    account::Register => "/fn/account/register" => account::SignedIn;
    account::Login => "/fn/session/login" => account::SignedIn;
    account::CurrentSession => "/fn/session/current" => account::SignedIn;
    account::Logout => "/fn/session/logout" => account::LoggedOut;
    directory::ListUsers => "/fn/directory/users" => directory::Users;
    directory::FetchKeys => "/fn/directory/keys" => directory::Keys;
    mailbox::Send => "/fn/mailbox/send" => mailbox::Sent;
    mailbox::FetchPage => "/fn/mailbox/page" => mailbox::Page;
    vault::FetchRows => "/fn/vault/rows" => vault::Rows;
    vault::PutRow => "/fn/vault/put" => vault::RowPut;
}

/// Where the events of a session are streamed from (`GET`, `text/event-stream`): see
/// [`MAILBOX_EVENT`](crate::mailbox::MAILBOX_EVENT).
pub const EVENTS_PATH: &str = "/events";

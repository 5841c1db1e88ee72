//! The interface of Secure Messaging.
//!
//! # Map
//!
//! | module | what it is |
//! | --- | --- |
//! | [`page`] | what stands behind an address |
//! | [`component`] | what one sees; values and callbacks come in, nothing is fetched |
//! | [`state`] | what the device knows: the session, the open account, the connection |
//! | [`browser`] | the platform: requests, storage, events, clipboard. The only place with `cfg`, and its inert twin |
//! | [`api`] | the server functions |
//! | `shell` | the document around the pages (server only) |
//!
//! Public pages are rendered on the server and come alive in the browser. Pages of a signed-in person are rendered as
//! an empty frame: names and texts exist only in the browser, after the account was opened there.

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!(
    "`ssr` and `hydrate` exclude each other: with both, every event handler would silently be dead"
);

pub mod api;
pub mod browser;
pub mod component;
pub mod page;
#[cfg(feature = "ssr")]
pub mod shell;
pub mod state;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use state::session::Session;

#[cfg(feature = "ssr")]
pub use shell::{SiteAssets, shell};

/// The whole interface.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let session = Session::new();
    provide_context(session);
    Effect::new(move || {
        browser::mark_hydrated();
        session.start();
    });
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Secure Messaging".to_owned() } else { format!("{text} · Secure Messaging") } />
        <Router>
            <Routes fallback=page::not_found::NotFound>
                <Route path=path!("/") view=page::landing::Landing />
                <Route path=path!("/login") view=page::login::Login />
                <Route path=path!("/register") view=page::register::Register />
                <Route path=path!("/forgot") view=page::forgot::Forgot />
                <Route path=path!("/reset") view=page::reset::ResetPassword />
                <Route path=path!("/confirm-email") view=page::confirm_email::ConfirmEmail />
                <ParentRoute path=path!("") view=page::mailbox::Mailbox>
                    <Route path=path!("/inbox") view=page::mailbox::NothingOpen />
                    <Route path=path!("/inbox/:conversation") view=page::conversation::Conversation />
                    <Route path=path!("/compose") view=page::compose::Compose />
                </ParentRoute>
                <ParentRoute path=path!("/settings") view=page::settings::Settings>
                    <Route path=path!("") view=page::settings::account::AccountSettings />
                    <Route path=path!("/security") view=page::settings::security::SecuritySettings />
                    <Route path=path!("/sessions") view=page::settings::sessions::SessionsSettings />
                    <Route path=path!("/data") view=page::settings::data::DataSettings />
                </ParentRoute>
            </Routes>
        </Router>
    }
}

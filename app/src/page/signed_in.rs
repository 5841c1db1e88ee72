//! What all pages of a signed-in person share.

use leptos::prelude::*;
use leptos_router::{
    NavigateOptions,
    hooks::{use_location, use_navigate},
};

use crate::state::session::{Session, Standing};

/// Where a page leads whose account is signed out: to the form for signing in, if nobody sets another place.
#[derive(Clone, Copy)]
pub struct WayOut(StoredValue<&'static str>);

impl WayOut {
    /// Sets another place.
    pub fn lead_to(self, path: &'static str) {
        self.0.set_value(path);
    }
}

/// Leads whoever is not signed in to where that is done, and from there back to here.
pub fn only_signed_in(session: Session) -> WayOut {
    let way_out = WayOut(StoredValue::new("/login"));
    let path = use_location().pathname;
    let navigate = use_navigate();
    Effect::new(move || {
        let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
        match session.standing() {
            Standing::SignedOut => navigate(way_out.0.get_value(), options),
            Standing::Locked { .. } => {
                session.want(path.get_untracked());
                navigate("/login", options);
            }
            Standing::Open(_) if session.recovery_key().with(Option::is_some) => {
                navigate("/register", options);
            }
            Standing::Open(_) | Standing::Starting | Standing::OutOfReach => {}
        }
    });
    way_out
}

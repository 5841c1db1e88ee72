//! `/settings/data`: everything to take away, and what a reset sealed.

pub mod export;
pub mod sealed;

use leptos::prelude::*;

use super::{Owner, SettingsPage};
use export::ExportPart;
use sealed::SealedPart;

/// The page.
#[component]
pub fn DataSettings() -> impl IntoView {
    let content = |owner: Owner| {
        view! {
            <SealedPart owner />
            <ExportPart owner />
        }
        .into_any()
    };
    view! { <SettingsPage title="Your data" content /> }
}

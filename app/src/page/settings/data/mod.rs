//! `/settings/data`: everything to take away, what a reset sealed, and what was mended.

pub mod export;
pub mod repairs;
pub mod sealed;

use leptos::prelude::*;

use super::{Owner, SettingsPage};
use export::ExportPart;
use repairs::RepairsPart;
use sealed::SealedPart;

/// The page.
#[component]
pub fn DataSettings() -> impl IntoView {
    let content = |owner: Owner| {
        view! {
            <SealedPart owner />
            <ExportPart owner />
            <RepairsPart owner />
        }
        .into_any()
    };
    view! { <SettingsPage title="Your data" content /> }
}

//! The mark: a letter, closed by a seal.

use leptos::prelude::*;

/// The mark alone; it says nothing to screen readers, the name beside it does.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <rect class="logo-paper" x="2" y="6" width="28" height="21" rx="5" />
            <path class="logo-fold" d="M4 10.5 14.2 18a3 3 0 0 0 3.6 0L28 10.5" />
            <circle class="logo-seal" cx="16" cy="18.5" r="4.6" />
        </svg>
    }
}

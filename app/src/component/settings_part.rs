//! One part of a page of the settings.

use leptos::prelude::*;

/// A heading, and what belongs to it.
#[component]
pub fn SettingsPart(
    /// The heading's id: where the focus goes when something below it is over.
    id: &'static str,
    /// The heading.
    title: &'static str,
    /// Whether what stands in it cannot be taken back.
    #[prop(optional)]
    danger: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="settings-part" class:settings-part-danger=danger aria-labelledby=id>
            <h3 id=id tabindex="-1">{title}</h3>
            {children()}
        </section>
    }
}

/// What was done, said once and kept in sight.
#[component]
pub fn Done(
    /// What is said; nothing while `None`.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div role="status" class="speaks-up">
            {move || text.get().map(|text| view! { <p class="notice notice-good">{text}</p> })}
        </div>
    }
}

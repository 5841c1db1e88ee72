//! Messages that are sealed with keys from before a reset.

use leptos::prelude::*;

use super::icon::{Icon, Sign};

/// Says how many, and where they are opened.
#[component]
pub fn SealedNotice(
    /// How many; nothing is said while there are none.
    #[prop(into)]
    count: Signal<usize>,
) -> impl IntoView {
    view! {
        <Show when=move || { count.get() > 0 }>
            <p class="notice-bar notice-bar-calm row" role="status">
                <Icon sign=Sign::Seal />
                <span>{move || sealed(count.get())} " " <a href="/settings/data">"Open them in Settings"</a></span>
            </p>
        </Show>
    }
}

fn sealed(count: usize) -> String {
    match count {
        1 => "1 older message is sealed with your keys from before the reset.".to_owned(),
        many => format!("{many} older messages are sealed with your keys from before the reset."),
    }
}

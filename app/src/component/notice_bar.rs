//! Something that concerns the whole page.

use leptos::prelude::*;

use super::icon::{Icon, Sign};
use crate::browser::Storage;

/// What went wrong in the background; it can be put away.
#[component]
pub fn NoticeBar(
    /// What is said.
    notice: RwSignal<Option<String>>,
) -> impl IntoView {
    view! {
        <div role="alert">
            {move || {
                notice
                    .get()
                    .map(|text| {
                        view! {
                            <p class="notice-bar row">
                                <Icon sign=Sign::Warning />
                                <span>{text}</span>
                                <button
                                    type="button"
                                    class="button button-quiet button-icon"
                                    aria-label="Put this notice away"
                                    on:click=move |_| notice.set(None)
                                >
                                    <Icon sign=Sign::Close />
                                </button>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// The browser keeps nothing.
#[component]
pub fn StorageNotice(
    /// Whether what the device keeps outlasts the page.
    storage: ReadSignal<Storage>,
) -> impl IntoView {
    view! {
        <Show when=move || storage.get() == Storage::Fleeting>
            <p class="notice-bar row" role="status">
                <Icon sign=Sign::Warning />
                <span>
                    "This browser keeps nothing for this page, perhaps because it is a private window. \
                     You can read and write; before you close the page, wait until every message says “Sent”."
                </span>
            </p>
        </Show>
    }
}

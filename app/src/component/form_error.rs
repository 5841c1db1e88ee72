//! What went wrong with a form.

use leptos::prelude::*;

use super::icon::{Icon, Sign};

/// A box that speaks up when there is something to say. Place it before the button that caused it.
#[component]
pub fn FormError(
    /// What is said; nothing while `None`.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <div role="alert" class="form-error speaks-up">
            {move || {
                text.get()
                    .map(|text| {
                        view! {
                            <p class="notice notice-danger row">
                                <Icon sign=Sign::Warning />
                                <span>{text}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

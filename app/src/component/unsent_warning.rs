//! Messages that exist on this device only, before somebody logs out.

use leptos::prelude::*;

use super::icon::{Icon, Sign};

/// Says how many would be lost; nothing until there is a number.
#[component]
pub fn UnsentWarning(
    /// How many.
    #[prop(into)]
    count: Signal<Option<usize>>,
) -> impl IntoView {
    view! {
        <div role="alert" class="speaks-up">
            {move || {
                count
                    .get()
                    .map(|count| {
                        view! {
                            <p class="notice notice-danger row">
                                <Icon sign=Sign::Warning />
                                <span>{warning(count)}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

fn warning(count: usize) -> String {
    match count {
        1 => "1 message has not been sent yet. It would be lost.".to_owned(),
        many => format!("{many} messages have not been sent yet. They would be lost."),
    }
}

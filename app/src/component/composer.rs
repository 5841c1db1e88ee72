//! Where a message is written.

use leptos::{ev, prelude::*};

use super::icon::{Icon, Sign};

const MOST_LINES: usize = 8;
const CHARS_IN_A_LINE: usize = 48;

/// A field that grows, and the button that sends. Enter sends, Shift and Enter break the line; while an input method
/// composes a word, Enter belongs to it.
#[component]
pub fn Composer(
    /// What is being written.
    text: RwSignal<String>,
    /// To whom, for screen readers.
    #[prop(into)]
    label: String,
    /// What went wrong with the last message; gone as soon as it is being mended.
    error: RwSignal<Option<String>>,
    /// Sends what is written.
    on_send: Callback<()>,
) -> impl IntoView {
    let send_on_enter = move |event: ev::KeyboardEvent| {
        // 229: some input methods say nothing else while they compose.
        let composing = event.is_composing() || event.key_code() == 229;
        if event.key() == "Enter" && !event.shift_key() && !composing {
            event.prevent_default();
            on_send.run(());
        }
    };
    let lines = move || {
        text.with(|text| {
            let lines = text.split('\n').map(|line| 1 + line.chars().count() / CHARS_IN_A_LINE);
            lines.sum::<usize>().min(MOST_LINES).to_string()
        })
    };
    view! {
        <form
            class="composer"
            method="post"
            on:submit=move |event: ev::SubmitEvent| {
                event.prevent_default();
                on_send.run(());
            }
        >
            <p class="error composer-error" role="alert">{move || error.get()}</p>
            <div class="composer-row">
                <textarea
                    id="composer"
                    class="composer-field"
                    aria-label=label
                    placeholder="Write a message"
                    enterkeyhint="send"
                    dir="auto"
                    rows=lines
                    prop:value=move || text.get()
                    on:input:target=move |event| {
                        error.set(None);
                        text.set(event.target().value());
                    }
                    on:keydown=send_on_enter
                ></textarea>
                <button type="submit" class="button button-primary button-icon" aria-label="Send">
                    <Icon sign=Sign::Send />
                </button>
            </div>
        </form>
    }
}

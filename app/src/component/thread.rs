//! The messages of a conversation, one below the other.

use client::Message;
use leptos::{html, prelude::*};
use protocol::id::MessageId;

use super::{
    icon::{Icon, Sign},
    message_view::MessageView,
};
use crate::{
    browser,
    state::{
        people::new_messages,
        rows::{Row, rows},
    },
};

/// So many messages are drawn at first, and more with each wish for earlier ones.
const WINDOW: usize = 200;
/// Nearer to the end than this counts as being there, in pixels.
const NEAR_PX: i32 = 80;
/// The id of the line before what is new.
const NEW_LINE: &str = "new-messages";

/// Stays at the newest message while one is there, and where one reads while one reads.
#[component]
pub fn ThreadView(
    /// In order.
    #[prop(into)]
    messages: Signal<Vec<Message>>,
    /// The message before which the line of the new ones stands.
    #[prop(into)]
    first_new: Signal<Option<MessageId>>,
    /// Sends a failed message again.
    on_retry: Callback<MessageId>,
    /// Drops a message that was not sent.
    on_discard: Callback<MessageId>,
    /// Deletes a message: for everyone, or for oneself.
    on_delete: Callback<(MessageId, bool)>,
) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let window = RwSignal::new(WINDOW);
    let at_end = RwSignal::new(true);
    let missed = RwSignal::new(0_usize);
    let rows = Memo::new(move |_| {
        let today = browser::moment(browser::now_ms()).day;
        messages.with(|messages| {
            let from = messages.len().saturating_sub(window.get());
            rows(&messages[from..], first_new.get(), today, browser::moment)
        })
    });
    let has_earlier = Memo::new(move |_| messages.with(Vec::len) > window.get());
    // What is drawn later may come after the conversation was left.
    let to_end = move || {
        if let Some(scroller) = scroller.try_get_untracked().flatten() {
            scroller.set_scroll_top(scroller.scroll_height());
        }
        missed.set(0);
        at_end.set(true);
    };

    let look_where = move || {
        if let Some(element) = scroller.try_get_untracked().flatten() {
            let below = element.scroll_height() - element.scroll_top() - element.client_height();
            let near = below < NEAR_PX;
            if at_end.try_get_untracked() != Some(near) {
                at_end.set(near);
            }
            if near {
                missed.set(0);
            }
        }
    };

    // Begin where the new ones begin, else at the end.
    Effect::new(move || {
        if scroller.get().is_some() {
            request_animation_frame(move || {
                if let Some(line) = document().get_element_by_id(NEW_LINE) {
                    line.scroll_into_view();
                    look_where();
                }
            });
        }
    });
    Effect::new(move |earlier: Option<(usize, Option<MessageId>)>| {
        let (count, last, mine) = messages.with(|messages| {
            let last = messages.last();
            (messages.len(), last.map(|last| last.id), last.is_some_and(|last| last.mine))
        });
        if let Some((before, last_before)) = earlier
            && last != last_before
            && count > before
        {
            if mine {
                at_end.set(true);
            } else if !at_end.get_untracked() {
                missed.update(|missed| *missed += count - before);
            }
        }
        (count, last)
    });
    // Rows and the keyboard of a phone come and go: whoever is at the end stays there.
    let stay = move || {
        if at_end.try_get_untracked() == Some(true) {
            to_end();
        }
    };
    Effect::new(move || {
        rows.track();
        request_animation_frame(stay);
    });
    Effect::new(move |_: Option<Option<browser::SizeWatch>>| {
        scroller.get().map(|scroller| browser::SizeWatch::new(&scroller, stay))
    });
    let show_earlier = move |_| {
        let Some(element) = scroller.get_untracked() else { return };
        let below = element.scroll_height() - element.scroll_top();
        window.update(|window| *window += WINDOW);
        request_animation_frame(move || element.set_scroll_top(element.scroll_height() - below));
    };
    let jump = move |_| {
        to_end();
        // The button is gone now.
        browser::focus("composer");
    };
    view! {
        <div class="thread-place">
            <div
                class="thread"
                role="log"
                aria-label="Messages"
                tabindex="0"
                node_ref=scroller
                on:scroll=move |_| look_where()
            >
                <Show when=move || has_earlier.get()>
                    <p class="thread-earlier">
                        <button type="button" class="button" on:click=show_earlier>"Show earlier messages"</button>
                    </p>
                </Show>
                <For each=move || rows.get() key=Row::key let(row)>
                    {match row {
                        Row::Day { label, .. } => {
                            view! { <p class="thread-line"><span>{label}</span></p> }.into_any()
                        }
                        Row::New => {
                            view! {
                                <p class="thread-line thread-line-new" id=NEW_LINE><span>"New"</span></p>
                            }
                                .into_any()
                        }
                        Row::Timer { label, .. } => {
                            view! {
                                <p class="thread-timer"><Icon sign=Sign::Timer /><span>{label}</span></p>
                            }
                                .into_any()
                        }
                        Row::Message(row) => {
                            view! { <MessageView row=*row on_retry on_discard on_delete /> }.into_any()
                        }
                    }}
                </For>
            </div>
            <Show when=move || !at_end.get()>
                <button type="button" class="button thread-jump" on:click=jump>
                    <Icon sign=Sign::Down />
                    {move || match missed.get() {
                        0 => "Jump to latest".to_owned(),
                        count => new_messages(count),
                    }}
                </button>
            </Show>
        </div>
    }
}

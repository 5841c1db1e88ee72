//! One message.

use client::{Body, Message, MessageState};
use leptos::{ev, prelude::*};
use protocol::id::MessageId;

use super::icon::{Icon, Sign};
use crate::{
    browser,
    state::rows::{MessageRow, day_and_time},
};

/// Who, what, when, and how far it has come.
#[component]
pub fn MessageView(
    /// The message.
    row: MessageRow,
    /// Sends a failed message again.
    on_retry: Callback<MessageId>,
    /// Drops a message that was not sent.
    on_discard: Callback<MessageId>,
    /// Deletes a message: for everyone, or for oneself.
    on_delete: Callback<(MessageId, bool)>,
) -> impl IntoView {
    let MessageRow { message, leads, moment } = row;
    let Message { id, author, mine, body, state, disappears_at_ms, missed_devices, .. } = message;
    let name = if mine { "You".to_owned() } else { author.username.to_string() };
    let is_there = matches!(state, MessageState::Sent | MessageState::Received);
    let asking = RwSignal::new(false);
    view! {
        <article class="message" class:message-mine=mine class:message-leads=leads>
            <h3 class="message-author" class:visually-hidden={mine || !leads}>{name}</h3>
            <div class="message-body">
                {match body {
                    Body::Text(text) => view! { <p class="message-text" dir="auto">{text}</p> }.into_any(),
                    // It stands between messages, as a line of its own.
                    Body::Timer(_) => ().into_any(),
                    Body::NeedsNewerVersion => view! {
                        <p class="message-strange">"This message needs a newer version: load the page again."</p>
                    }
                        .into_any(),
                    Body::Unreadable => view! {
                        <p class="message-strange">
                            "This message was changed on its way and cannot be opened. Ask for it to be sent again."
                        </p>
                    }
                        .into_any(),
                }}
                <p class="message-foot">
                    {disappears_at_ms.map(disappears)}
                    <time datetime=moment.iso>{moment.time}</time>
                    {status(&state)}
                    {is_there.then(|| delete_button(id, asking))}
                </p>
            </div>
            {(missed_devices > 0).then(|| view! { <p class="message-missed" role="status">{missed(missed_devices)}</p> })}
            <Show when=move || asking.get()>
                <DeleteChoice id mine asking on_delete />
            </Show>
            {match state {
                MessageState::Failed(reason) => Some(view! {
                    <div class="message-failed" role="alert">
                        <p>{reason}</p>
                        <p class="row">
                            <button type="button" class="button" on:click=move |_| on_retry.run(id)>"Retry"</button>
                            <button type="button" class="button button-danger" on:click=move |_| on_discard.run(id)>
                                "Delete"
                            </button>
                        </p>
                    </div>
                }),
                _ => None,
            }}
        </article>
    }
}

/// The sign by which a message is deleted.
fn delete_button(id: MessageId, asking: RwSignal<bool>) -> impl IntoView {
    view! {
        <button
            type="button"
            class="message-delete"
            id=button_id(id)
            aria-label="Delete this message"
            aria-expanded=move || asking.get().to_string()
            on:click=move |_| asking.update(|asking| *asking = !*asking)
        >
            <Icon sign=Sign::Bin />
        </button>
    }
}

fn button_id(id: MessageId) -> String {
    format!("delete-{id}")
}

/// For whom it is deleted; nothing happens before that is said.
#[component]
fn DeleteChoice(
    id: MessageId,
    mine: bool,
    asking: RwSignal<bool>,
    on_delete: Callback<(MessageId, bool)>,
) -> impl IntoView {
    let first = format!("delete-choice-{id}");
    let focused = first.clone();
    Effect::new(move || {
        let focused = focused.clone();
        request_animation_frame(move || browser::focus(&focused));
    });
    let cancel = move || {
        asking.set(false);
        browser::focus(&button_id(id));
    };
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            cancel();
        }
    };
    view! {
        <div class="message-choice" role="group" aria-label="Delete this message" on:keydown=escape>
            <button id=first type="button" class="button" on:click=move |_| on_delete.run((id, false))>
                "Delete for me"
            </button>
            {mine
                .then(|| view! {
                    <button type="button" class="button button-danger" on:click=move |_| on_delete.run((id, true))>
                        "Delete for everyone"
                    </button>
                })}
            <button type="button" class="button button-quiet" on:click=move |_| cancel()>"Cancel"</button>
        </div>
    }
}

/// When a message disappears.
fn disappears(at_ms: u64) -> impl IntoView {
    let at = browser::moment(at_ms);
    let when = day_and_time(&at, browser::moment(browser::now_ms()).day);
    view! {
        <span class="message-state">
            <Icon sign=Sign::Timer />
            <span class="visually-hidden">"Disappears at "</span>
            <time datetime=at.iso>{when}</time>
        </span>
    }
}

fn missed(devices: u32) -> String {
    match devices {
        1 => "1 of their devices could not take this message.".to_owned(),
        many => format!("{many} of their devices could not take this message."),
    }
}

fn status(state: &MessageState) -> Option<impl IntoView + use<>> {
    let (sign, word) = match state {
        MessageState::Received => return None,
        MessageState::Queued => (Sign::Waiting, "Queued"),
        MessageState::Sending => (Sign::Waiting, "Sending"),
        MessageState::Sent => (Sign::Done, "Sent"),
        MessageState::Failed(_) => (Sign::Warning, "Not sent"),
    };
    Some(view! {
        <span class="message-state">
            <Icon sign />
            <span>{word}</span>
        </span>
    })
}

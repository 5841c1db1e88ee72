//! One message.

use client::{Body, Message, MessageState};
use leptos::prelude::*;
use protocol::id::MessageId;

use super::icon::{Icon, Sign};
use crate::state::rows::MessageRow;

/// Who, what, when, and how far it has come.
#[component]
pub fn MessageView(
    /// The message.
    row: MessageRow,
    /// Sends a failed message again.
    on_retry: Callback<MessageId>,
    /// Drops a message that was not sent.
    on_discard: Callback<MessageId>,
) -> impl IntoView {
    let MessageRow { message, leads, moment } = row;
    let Message { id, author, mine, body, state, .. } = message;
    let name = if mine { "You".to_owned() } else { author.username.to_string() };
    view! {
        <article class="message" class:message-mine=mine class:message-leads=leads>
            <h3 class="message-author" class:visually-hidden={mine || !leads}>{name}</h3>
            <div class="message-body">
                {match body {
                    Body::Text(text) => view! { <p class="message-text" dir="auto">{text}</p> }.into_any(),
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
                    <time datetime=moment.iso>{moment.time}</time>
                    {status(&state)}
                </p>
            </div>
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

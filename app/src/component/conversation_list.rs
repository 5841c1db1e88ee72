//! The list of conversations.

use std::borrow::Cow;

use client::{Body, ConversationSummary, Preview, timer_line};
use leptos::prelude::*;
use protocol::id::ConversationId;

use super::{
    avatar::Avatar,
    icon::{Icon, Sign},
};
use crate::{
    browser,
    state::{
        people::{names, new_messages},
        rows::short_label,
    },
};

/// Newest first; an invitation to write when there is none.
#[component]
pub fn ConversationList(
    /// What is listed.
    #[prop(into)]
    conversations: Signal<Vec<ConversationSummary>>,
    /// The one that is open.
    #[prop(into)]
    current: Signal<Option<ConversationId>>,
) -> impl IntoView {
    let is_empty = Memo::new(move |_| conversations.with(Vec::is_empty));
    view! {
        <Show
            when=move || !is_empty.get()
            fallback=|| {
                view! {
                    <div class="conversation-list-empty">
                        <p>"No conversation yet."</p>
                        <p class="hint">"Write the first message: the others see it as soon as they look."</p>
                    </div>
                }
            }
        >
            <ul class="conversation-list">
                <For each=move || conversations.get() key=key let(summary)>
                    <Entry summary current />
                </For>
            </ul>
        </Show>
    }
}

/// Everything that is seen of an entry: when it changes, the entry is drawn anew.
fn key(summary: &ConversationSummary) -> (ConversationId, u64, usize, bool, bool) {
    let shows_mine = summary.last.as_ref().is_some_and(|last| last.mine);
    (summary.id, summary.last_at_ms, summary.unread, !summary.trouble.is_empty(), shows_mine)
}

#[component]
fn Entry(summary: ConversationSummary, current: Signal<Option<ConversationId>>) -> impl IntoView {
    let ConversationSummary { id, others, last, unread, last_at_ms, trouble } = summary;
    let moment = browser::moment(last_at_ms);
    let when = short_label(&moment, browser::moment(browser::now_ms()).day);
    let is_group = others.len() > 1;
    let preview = last.map_or_else(|| "No message yet".to_owned(), |last| line(&last, is_group));
    view! {
        <li>
            <a
                class="conversation-entry"
                class:conversation-entry-unread={unread > 0}
                href=format!("/inbox/{id}")
                aria-current=move || (current.get() == Some(id)).then_some("page")
            >
                <Avatar people=others.clone() />
                <span class="conversation-entry-name">{names(&others)}</span>
                <time class="conversation-entry-time" datetime=moment.iso>{when}</time>
                <span class="conversation-entry-preview">{preview}</span>
                {(!trouble.is_empty())
                    .then(|| {
                        view! {
                            <span class="conversation-entry-trouble">
                                <Icon sign=Sign::Warning />
                                <span class="visually-hidden">"A security key has changed"</span>
                            </span>
                        }
                    })}
                {(unread > 0)
                    .then(|| {
                        view! {
                            <span class="badge">
                                <span aria-hidden="true">{unread.min(999)}</span>
                                <span class="visually-hidden">{new_messages(unread)}</span>
                            </span>
                        }
                    })}
            </a>
        </li>
    }
}

fn line(last: &Preview, is_group: bool) -> String {
    let text = match &last.body {
        Body::Text(text) => Cow::Borrowed(text.as_str()),
        Body::Timer(timer_s) => Cow::Owned(timer_line(*timer_s)),
        Body::NeedsNewerVersion => Cow::Borrowed("A message for a newer version"),
        Body::Unreadable => Cow::Borrowed("A message that cannot be opened"),
    };
    match (last.mine, is_group) {
        (true, _) => format!("You: {text}"),
        (false, true) => format!("{}: {text}", last.author.username),
        (false, false) => text.into_owned(),
    }
}

//! `/inbox/:conversation`: one conversation.

use std::rc::Rc;

use client::{Contact, Interruption, KeyChange, Thread, duration_words};
use crypto::safety_number::SafetyNumber;
use leptos::{ev, prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use protocol::id::{ConversationId, MessageId};
use send_wrapper::SendWrapper;

use crate::{
    browser,
    component::{
        avatar::Avatar,
        composer::Composer,
        icon::{Icon, Sign},
        key_warning::KeyWarning,
        opening::Opening,
        people_panel::PeoplePanel,
        thread::ThreadView,
        timer_panel::TimerPanel,
    },
    state::{
        drafts::DraftKeeper,
        people::names,
        session::{OpenAccount, use_session},
    },
};

/// The conversation of the address.
#[component]
pub fn Conversation() -> impl IntoView {
    let session = use_session();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("conversation")?.parse::<ConversationId>().ok());
    let is_open = Memo::new(move |_| session.is_open());
    // Not known yet while the device is still catching up with the mailbox.
    let is_known = Memo::new(move |_| {
        session.track_content();
        let account = session.account()?;
        Some(id.get().is_some_and(|id| account.thread(id).is_some()))
    });
    move || match (is_open.get(), id.get(), is_known.get()) {
        (true, Some(id), Some(true)) => {
            session.account().map(|account| view! { <OpenConversation id account /> }).into_any()
        }
        (true, _, _) => view! { <Unknown /> }.into_any(),
        (false, _, _) => view! { <Opening out_of_reach=false /> }.into_any(),
    }
}

#[component]
fn Unknown() -> impl IntoView {
    view! {
        <div class="nothing-open">
            <h2>"This conversation is not here"</h2>
            <p>"It may belong to another account, or its first message is still on its way."</p>
            <p><a class="button" href="/inbox">"Back to the inbox"</a></p>
        </div>
    }
}

#[component]
fn OpenConversation(id: ConversationId, account: OpenAccount) -> impl IntoView {
    let session = use_session();
    let account = StoredValue::new(account);
    let thread = Memo::new(move |_| {
        session.track_content();
        account.read_value().thread(id)
    });
    let in_thread = move |read: fn(&Thread) -> Vec<Contact>| {
        Memo::new(move |_| thread.with(|thread| thread.as_ref().map(read).unwrap_or_default()))
    };
    let others = in_thread(|thread| thread.others.clone());
    let changed_keys = in_thread(|thread| thread.changed_keys.clone());
    let in_question = Memo::new(move |_| {
        let change = |contact: Contact| {
            let change = account.read_value().key_change(contact.account);
            (contact, change.unwrap_or(KeyChange::Key))
        };
        changed_keys.get().into_iter().map(change).collect::<Vec<_>>()
    });
    let messages = Signal::derive(move || {
        thread.with(|thread| thread.as_ref().map(|t| t.messages.clone()).unwrap_or_default())
    });

    let deleted = in_thread(|thread| thread.deleted.clone());
    let draft = RwSignal::new(String::new());
    keep_draft(draft, id, account);
    look_at_keys(id, account);
    let error = RwSignal::new(None::<String>);
    let key_error = RwSignal::new(None::<String>);
    let timer_error = RwSignal::new(None::<String>);
    let timer_s = Memo::new(move |_| thread.with(|thread| thread.as_ref().and_then(|thread| thread.timer_s)));
    let panel = RwSignal::new(None::<Panel>);
    let first_new = read_while_looked_at(thread, id, account);

    Effect::new(move || {
        let place = if browser::types_on_glass() { "conversation-title" } else { "composer" };
        request_animation_frame(move || browser::focus(place));
    });

    let on_send = Callback::new(move |()| {
        let text = draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        error.set(None);
        draft.set(String::new());
        first_new.set(None);
        let account = account.get_value();
        spawn_local(async move {
            match account.compose(id, &text).await {
                Ok(_) => session.deliver(),
                Err(refused) => {
                    error.set(Some(refused.to_string()));
                    // What was written meanwhile stays, below.
                    draft.update(|draft| {
                        *draft = if draft.is_empty() { text } else { format!("{text}\n{draft}") };
                    });
                }
            }
        });
    });
    let on_retry = Callback::new(move |message: MessageId| {
        let account = account.get_value();
        spawn_local(async move {
            match account.retry(message).await {
                Ok(()) => session.deliver(),
                Err(failed) => error.set(Some(failed.to_string())),
            }
        });
    });
    let on_discard = Callback::new(move |message: MessageId| {
        let account = account.get_value();
        spawn_local(async move {
            match account.discard(message).await {
                Ok(()) => session.tell_others(),
                Err(failed) => error.set(Some(failed.to_string())),
            }
        });
        browser::focus("composer");
    });
    let on_delete = Callback::new(move |(message, for_everyone): (MessageId, bool)| {
        let account = account.get_value();
        spawn_local(async move {
            let deleted = match for_everyone {
                true => account.delete_for_everyone(message).await,
                false => account.delete_for_me(&[message]).await,
            };
            match deleted {
                Ok(()) => session.deliver(),
                Err(failed) => error.set(Some(failed.to_string())),
            }
        });
        browser::focus("composer");
    });
    let on_timer = Callback::new(move |timer_s: Option<u32>| {
        let account = account.get_value();
        timer_error.set(None);
        spawn_local(async move {
            match account.set_timer(id, timer_s).await {
                Ok(()) => session.deliver(),
                Err(refused) => timer_error.set(Some(refused.to_string())),
            }
        });
    });
    let on_accept = Callback::new(move |(contact, compared): (Contact, SafetyNumber)| {
        let account = account.get_value();
        key_error.set(None);
        spawn_local(async move {
            match account.accept_key(contact.account, compared).await {
                Ok(()) => {
                    session.deliver();
                    request_animation_frame(|| browser::focus("composer"));
                }
                Err(refused) => key_error.set(Some(refused.to_string())),
            }
        });
    });
    let safety_number =
        Callback::new(move |contact: Contact| account.read_value().safety_number(contact.account));
    let show = move |wanted: Panel| {
        panel.update(|panel| *panel = if *panel == Some(wanted) { None } else { Some(wanted) });
        if panel.get_untracked().is_some() {
            request_animation_frame(move || browser::focus(wanted.title()));
        }
    };
    let close_panel = Callback::new(move |()| {
        if let Some(open) = panel.get_untracked() {
            panel.set(None);
            browser::focus(open.button());
        }
    });
    let escape = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            close_panel.run(());
        }
    };
    let is_open = move |which: Panel| (panel.get() == Some(which)).to_string();

    view! {
        <section class="conversation" aria-labelledby="conversation-title" on:keydown=escape>
            <header class="conversation-head">
                <a class="button button-quiet button-icon conversation-back" href="/inbox" aria-label="Back to the inbox">
                    <Icon sign=Sign::Back />
                </a>
                {move || view! { <Avatar people=others.get() /> }}
                <h2 id="conversation-title" tabindex="-1" class="conversation-title">{move || others.with(|others| names(others))}</h2>
                <button
                    id="timer-button"
                    type="button"
                    class="button"
                    class:button-quiet=move || timer_s.get().is_none()
                    aria-label=move || timer_label(timer_s.get())
                    aria-expanded=move || is_open(Panel::Timer)
                    on:click=move |_| show(Panel::Timer)
                >
                    <Icon sign=Sign::Timer />
                    {move || timer_s.get().map(|timer_s| view! { <span aria-hidden="true">{duration_words(timer_s)}</span> })}
                </button>
                <button
                    id="people-button"
                    type="button"
                    class="button"
                    aria-label="Who reads this"
                    aria-expanded=move || is_open(Panel::People)
                    on:click=move |_| show(Panel::People)
                >
                    <Icon sign=Sign::People />
                    <span aria-hidden="true">{move || others.with(Vec::len) + 1}</span>
                </button>
            </header>
            <div class="conversation-body">
                <div class="conversation-main">
                    <ThreadView messages first_new on_retry on_discard on_delete />
                    <For
                        each=move || in_question.get()
                        key=|(contact, change)| (contact.account, *change)
                        children=move |(contact, change)| {
                            view! { <KeyWarning contact change safety_number on_accept error=key_error /> }
                        }
                    />
                    <Show
                        when=move || changed_keys.with(Vec::is_empty)
                        fallback=|| {
                            view! {
                                <p class="conversation-paused" role="status">
                                    "Sending is paused until you have reviewed this. What you write elsewhere is not affected."
                                </p>
                            }
                        }
                    >
                        <Show
                            when=move || deleted.with(Vec::is_empty)
                            fallback=move || view! { <p class="conversation-paused" role="status">{move || gone(&deleted.read())}</p> }
                        >
                            <Composer
                                text=draft
                                label=others.with_untracked(|others| format!("Message to {}", names(others)))
                                error
                                on_send
                            />
                        </Show>
                    </Show>
                </div>
                {move || match panel.get() {
                    Some(Panel::People) => {
                        view! { <PeoplePanel others=others.get() safety_number on_close=close_panel /> }.into_any()
                    }
                    Some(Panel::Timer) => {
                        view! { <TimerPanel timer_s on_choose=on_timer error=timer_error on_close=close_panel /> }.into_any()
                    }
                    None => ().into_any(),
                }}
            </div>
        </section>
    }
}

/// What stands beside the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Panel {
    People,
    Timer,
}

impl Panel {
    /// What has the focus when it opens.
    fn title(self) -> &'static str {
        match self {
            Self::People => "people-title",
            Self::Timer => "timer-title",
        }
    }

    /// What has the focus when it is closed.
    fn button(self) -> &'static str {
        match self {
            Self::People => "people-button",
            Self::Timer => "timer-button",
        }
    }
}

fn timer_label(timer_s: Option<u32>) -> String {
    match timer_s {
        None => "Disappearing messages: off".to_owned(),
        Some(seconds) => format!("Messages disappear after {}", duration_words(seconds)),
    }
}

fn gone(deleted: &[Contact]) -> String {
    let theirs = if deleted.len() == 1 { "their account" } else { "their accounts" };
    format!("{} deleted {theirs}. What you wrote to each other stays here.", names(deleted))
}

/// What is being written outlasts a reload.
fn keep_draft(draft: RwSignal<String>, id: ConversationId, account: StoredValue<OpenAccount>) {
    let keeper = DraftKeeper::new(use_session(), (*account.get_value()).clone(), id);
    let (reading, leaving) = (Rc::clone(&keeper), SendWrapper::new(Rc::clone(&keeper)));
    let recalled = RwSignal::new(false);
    spawn_local(async move {
        let text = reading.recall().await;
        // The conversation may have been left, and whoever types already is not interrupted.
        draft.try_update(|draft| {
            if draft.is_empty() {
                draft.push_str(&text);
            }
        });
        let _ = recalled.try_set(true);
    });
    Effect::new(move || {
        if recalled.get() {
            draft.with(|text| keeper.keep(text));
        }
    });
    on_cleanup(move || leaving.flush());
}

/// Whoever opens a conversation learns at once whether a key has changed or an account is gone, not with the next
/// message.
fn look_at_keys(id: ConversationId, account: StoredValue<OpenAccount>) {
    let session = use_session();
    let account = account.get_value();
    Effect::new(move || {
        let account = account.clone();
        spawn_local(async move {
            match account.look_at_keys(id).await {
                Err(error) if !error.passes_by_itself() && error != Interruption::SessionEnded => {
                    session.notice().set(Some(error.to_string()));
                }
                // What passes by itself, or ends the session, is noticed where messages travel.
                _ => {}
            }
        });
    });
}

/// While the page is looked at, what comes counts as read. Returns where the line before the new messages stands:
/// before what was unread when the conversation was opened, or came while nobody looked.
fn read_while_looked_at(
    thread: Memo<Option<Thread>>,
    id: ConversationId,
    account: StoredValue<OpenAccount>,
) -> RwSignal<Option<MessageId>> {
    let session = use_session();
    let first_unread = move || {
        thread.with(|thread| {
            let messages = thread.iter().flat_map(|thread| &thread.messages);
            messages.into_iter().find(|message| message.unread).map(|message| message.id)
        })
    };
    let first_new = RwSignal::new(untrack(first_unread));
    let looked_at = RwSignal::new(true);
    Effect::new(move || {
        let look = move || looked_at.set(!document().hidden());
        look();
        // It bubbles up to the window.
        let handle = window_event_listener_untyped("visibilitychange", move |_| look());
        on_cleanup(move || handle.remove());
    });
    Effect::new(move || {
        let Some(unread) = first_unread() else { return };
        if !looked_at.get() {
            if first_new.get_untracked().is_none() {
                first_new.set(Some(unread));
            }
            return;
        }
        let account = account.get_value();
        spawn_local(async move {
            // What cannot be kept shows as read until the page is closed.
            let _ = account.mark_read(id).await;
            session.tell_others();
        });
    });
    first_new
}

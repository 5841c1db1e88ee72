//! `/compose`: to whom, and the first message.

use client::Contact;
use core::time::Duration;

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use protocol::content::Content;

use crate::{
    browser,
    component::{
        composer::Composer,
        icon::{Icon, Sign},
        opening::Opening,
        people_picker::{Found, PeoplePicker},
    },
    state::{
        people::names,
        session::{OpenAccount, use_session},
    },
};

/// Typing faster than this asks the server once.
const TYPING: Duration = Duration::from_millis(150);

/// The page.
#[component]
pub fn Compose() -> impl IntoView {
    let session = use_session();
    let is_open = Memo::new(move |_| session.is_open());
    move || match is_open.get().then(|| session.account()).flatten() {
        Some(account) => view! { <Letter account /> }.into_any(),
        None => view! { <Opening out_of_reach=false /> }.into_any(),
    }
}

#[component]
fn Letter(account: OpenAccount) -> impl IntoView {
    let session = use_session();
    let navigate = use_navigate();
    let account = StoredValue::new(account);
    let query = RwSignal::new(String::new());
    let found = RwSignal::new(Found::default());
    let chosen = RwSignal::new(Vec::<Contact>::new());
    let text = RwSignal::new(String::new());
    let error = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);

    Effect::new(move |earlier: Option<Option<TimeoutHandle>>| {
        let typed = query.get();
        if let Some(Some(timer)) = earlier {
            timer.clear();
        }
        found.update(|found| found.searching = true);
        let search = move || search(account, typed.clone(), query, found, None);
        set_timeout_with_handle(search, TYPING).ok()
    });
    Effect::new(|| request_animation_frame(|| browser::focus("people-search")));
    let on_more = Callback::new(move |()| {
        let last = found.with_untracked(|found| found.people.last().cloned());
        search(account, query.get_untracked(), query, found, last);
    });

    let on_send = Callback::new(move |()| {
        if busy.get_untracked() {
            return;
        }
        let written = text.get_untracked();
        let people: Vec<_> =
            chosen.with_untracked(|chosen| chosen.iter().map(|person| person.account).collect());
        if people.is_empty() {
            error.set(Some("Choose at least one person to write to".to_owned()));
            return browser::focus("people-search");
        }
        if let Err(refused) = Content::text(&written) {
            return error.set(Some(refused.to_string()));
        }
        error.set(None);
        busy.set(true);
        let account = account.get_value();
        let navigate = navigate.clone();
        spawn_local(async move {
            let conversation = match account.open_conversation(&people).await {
                Ok(conversation) => conversation,
                Err(refused) => {
                    busy.set(false);
                    return error.set(Some(refused.to_string()));
                }
            };
            let composed = account.compose(conversation, &written).await;
            busy.set(false);
            match composed {
                Ok(_) => {
                    session.deliver();
                    let options = NavigateOptions { replace: true, ..NavigateOptions::default() };
                    navigate(&format!("/inbox/{conversation}"), options);
                }
                Err(refused) => error.set(Some(refused.to_string())),
            }
        });
    });
    let reads = move || {
        chosen.with(|chosen| match chosen.len() {
            0 => "Choose who may read it.".to_owned(),
            1 => format!("Only you and {} will be able to read it.", names(chosen)),
            _ => format!(
                "Only you, {} will be able to read it. Everybody sees who reads along.",
                names(chosen)
            ),
        })
    };

    view! {
        <section class="compose" aria-labelledby="compose-title">
            <header class="conversation-head">
                <a class="button button-quiet button-icon conversation-back" href="/inbox" aria-label="Back to the inbox">
                    <Icon sign=Sign::Back />
                </a>
                <h2 id="compose-title" class="conversation-title">"New message"</h2>
            </header>
            <div class="compose-body">
                <PeoplePicker query found chosen on_more />
            </div>
            <p class="compose-readers hint" role="status">{reads}</p>
            <Composer text label="First message" error on_send />
        </section>
    }
}

/// Asks for the people whose names begin like `typed`; what comes too late is thrown away.
fn search(
    account: StoredValue<OpenAccount>,
    typed: String,
    query: RwSignal<String>,
    found: RwSignal<Found>,
    after: Option<Contact>,
) {
    let Some(account) = account.try_get_value() else { return };
    spawn_local(async move {
        let prefix = typed.trim();
        let page = account
            .users((!prefix.is_empty()).then_some(prefix), after.as_ref().map(|person| &person.username))
            .await;
        if query.try_get_untracked().is_none_or(|now| now != typed) {
            return;
        }
        let me = account.me().account;
        found.update(|found| {
            found.searching = false;
            match page {
                Ok(page) => {
                    if after.is_none() {
                        found.people.clear();
                    }
                    let others = page.users.into_iter().filter(|user| user.account != me);
                    found.people.extend(
                        others.map(|user| Contact { account: user.account, username: user.username }),
                    );
                    found.more = page.more;
                    found.error = None;
                }
                Err(error) => found.error = Some(error.to_string()),
            }
        });
    });
}

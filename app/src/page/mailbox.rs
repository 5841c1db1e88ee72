//! The frame of the pages of a signed-in person: conversations on one side, what is open on the other. Under 768 pixels
//! one of the two is seen, as the address says.

use client::MessageState;
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::{components::Outlet, hooks::use_location};
use protocol::id::ConversationId;

use super::signed_in::only_signed_in;
use crate::{
    component::{
        account_menu::AccountMenu,
        connection_banner::ConnectionBanner,
        conversation_list::ConversationList,
        icon::{Icon, Sign},
        logo::Logo,
        needs_script::NeedsScript,
        new_session_notice::NewSessionNotice,
        notice_bar::{NoticeBar, StorageNotice},
        opening::Opening,
        sealed_notice::SealedNotice,
    },
    state::session::{OpenAccount, Session, Standing, use_session},
};

/// The frame.
#[component]
pub fn Mailbox() -> impl IntoView {
    let session = use_session();
    let path = use_location().pathname;
    only_signed_in(session);
    let at_list = Memo::new(move |_| path.with(|path| path.trim_end_matches('/') == "/inbox"));
    let current = Memo::new(move |_| {
        path.with(|path| path.strip_prefix("/inbox/").and_then(|id| id.parse::<ConversationId>().ok()))
    });
    let out_of_reach = Memo::new(move |_| matches!(session.standing(), Standing::OutOfReach));
    let title = move || match session.unread() {
        0 => "Inbox".to_owned(),
        unread => format!("({unread}) Inbox"),
    };
    let account = Memo::new(move |_| session.is_open());
    let sealed = Memo::new(move |_| {
        session.track_content();
        session.account().map(|account| account.locked_messages()).unwrap_or_default()
    });
    let menu =
        move || account.get().then(|| session.account().map(|account| menu(session, account))).flatten();
    view! {
        <Title text=title />
        <div class="mailbox">
            <ConnectionBanner link=session.link() />
            <StorageNotice storage=session.storage() />
            <NeedsScript />
            <NoticeBar notice=session.notice() />
            <NewSessionNotice sessions=session.new_sessions() on_seen=move |()| session.acknowledge_sessions() />
            <SealedNotice count=sealed />
            <main class="mailbox-panes" class:mailbox-at-list=move || at_list.get()>
                <h1 class="visually-hidden">"Secure Messaging"</h1>
                <nav class="mailbox-list" aria-label="Conversations">
                    <header class="mailbox-head">
                        <Logo />
                        <h2>"Inbox"</h2>
                        <a class="button button-primary mailbox-new" href="/compose">
                            <Icon sign=Sign::Pen />
                            <span>"New message"</span>
                        </a>
                        {menu}
                    </header>
                    <Show
                        when=move || account.get()
                        fallback=move || view! { <Opening out_of_reach /> }
                    >
                        <ConversationList conversations=session.conversations() current />
                    </Show>
                </nav>
                <div class="mailbox-detail">
                    <Outlet />
                </div>
            </main>
        </div>
    }
}

/// `/inbox`, where there is room beside the list.
#[component]
pub fn NothingOpen() -> impl IntoView {
    view! {
        <div class="nothing-open">
            <Logo />
            <p>"Choose a conversation, or write to somebody new."</p>
            <p><a class="button" href="/compose">"New message"</a></p>
        </div>
    }
}

fn menu(session: Session, account: OpenAccount) -> impl IntoView {
    let me = account.me().clone();
    let unsent = Callback::new(move |()| unsent(&account));
    let on_log_out = Callback::new(move |()| spawn_local(session.log_out()));
    let on_lock = Callback::new(move |()| session.lock_now());
    view! { <AccountMenu me unsent on_lock on_log_out /> }
}

/// How many messages exist on this device only.
fn unsent(account: &OpenAccount) -> usize {
    let threads = account.conversations().into_iter().filter_map(|summary| account.thread(summary.id));
    let waits = |state: &MessageState| match state {
        MessageState::Queued | MessageState::Sending | MessageState::Failed(_) => true,
        MessageState::Received | MessageState::Sent => false,
    };
    threads.map(|thread| thread.messages.iter().filter(|message| waits(&message.state)).count()).sum()
}

//! The settings of a signed-in person: a frame with four pages. What they show exists in the browser only, after the
//! account was opened there.

pub mod account;
pub mod data;
pub mod security;
pub mod sessions;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::{components::Outlet, hooks::use_location};

use super::signed_in::only_signed_in;
use crate::{
    browser,
    component::{
        confirm_form::Attempt,
        connection_banner::ConnectionBanner,
        form_error::FormError,
        icon::{Icon, Sign},
        needs_script::NeedsScript,
        new_session_notice::NewSessionNotice,
        notice_bar::{NoticeBar, StorageNotice},
        opening::Opening,
    },
    state::{
        own_profile::{OwnProfile, use_own_profile},
        session::{OpenAccount, Standing, use_session},
    },
};

/// The pages, in the order in which they are shown.
const PAGES: [(&str, Sign, &str); 4] = [
    ("/settings", Sign::Person, "Account"),
    ("/settings/security", Sign::Seal, "Security"),
    ("/settings/sessions", Sign::Devices, "Sessions"),
    ("/settings/data", Sign::Save, "Your data"),
];

/// The frame.
#[component]
pub fn Settings() -> impl IntoView {
    let session = use_session();
    provide_context(only_signed_in(session));
    let profile = OwnProfile::new(session);
    provide_context(profile);
    profile.keep_fresh();
    let path = use_location().pathname;
    let pages = PAGES
        .map(|(address, sign, name)| {
            let here = move || path.with(|path| path.trim_end_matches('/') == address);
            view! {
                <li>
                    <a class="settings-link" href=address aria-current=move || here().then_some("page")>
                        <Icon sign />
                        <span>{name}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! {
        <div class="settings">
            <ConnectionBanner link=session.link() />
            <StorageNotice storage=session.storage() />
            <NeedsScript />
            <NoticeBar notice=session.notice() />
            <NewSessionNotice sessions=session.new_sessions() on_seen=move |()| session.acknowledge_sessions() />
            <header class="settings-head">
                <a class="button button-quiet button-icon" href="/inbox" aria-label="Back to the inbox">
                    <Icon sign=Sign::Back />
                </a>
                <h1>"Settings"</h1>
            </header>
            <div class="settings-body">
                <nav class="settings-nav" aria-label="Settings">
                    <ul>{pages}</ul>
                </nav>
                <main class="settings-main" id="main">
                    <Outlet />
                </main>
            </div>
        </div>
    }
}

/// Whose settings they are. Copies are the same.
#[derive(Clone, Copy)]
pub struct Owner {
    account: StoredValue<OpenAccount>,
    /// What the account knows of itself.
    pub profile: OwnProfile,
}

impl Owner {
    /// The open account.
    pub fn account(self) -> OpenAccount {
        self.account.get_value()
    }

    /// The account's name.
    pub fn username(self) -> String {
        self.account.with_value(|account| account.me().username.to_string())
    }

    /// A change of these settings, which asks for a code if the second factor is on.
    pub fn attempt(self) -> Attempt {
        Attempt::new(self.profile.second_factor())
    }
}

/// One page: its name at once, its content when the account is open and what it knows of itself has come.
#[component]
fn SettingsPage(
    /// The name.
    title: &'static str,
    /// The content.
    #[prop(into)]
    content: Callback<Owner, AnyView>,
) -> impl IntoView {
    let session = use_session();
    let profile = use_own_profile();
    let open = Memo::new(move |_| session.is_open());
    let known = profile.select(|_| ());
    let out_of_reach = Memo::new(move |_| matches!(session.standing(), Standing::OutOfReach));
    let error = profile.error();
    view! {
        <Title text=format!("{title} · Settings") />
        <h2 class="settings-title">{title}</h2>
        {move || match open.get().then(|| untrack(|| session.account())).flatten() {
            Some(account) if known.get().is_some() => {
                content.run(Owner { account: StoredValue::new(account), profile })
            }
            Some(_) if error.with(Option::is_some) => {
                view! {
                    <FormError text=error />
                    <p><button type="button" class="button" on:click=move |_| profile.load()>"Try again"</button></p>
                }
                    .into_any()
            }
            Some(_) | None => view! { <Opening out_of_reach what="your settings" /> }.into_any(),
        }}
    }
}

/// Shows a part from its heading on, and moves the focus there: what had it is gone.
fn focus_later(id: &'static str) {
    request_animation_frame(move || browser::focus(id));
}

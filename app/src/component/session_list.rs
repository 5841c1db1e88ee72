//! The sessions of an account.

use leptos::prelude::*;
use protocol::{SessionId, session::SessionInfo};

use super::icon::{Icon, Sign};
use crate::{
    browser,
    state::{last_seen::last_seen, rows::day_and_time},
};

/// Where the account is signed in; each but this one can be signed out.
#[component]
pub fn SessionList(
    /// All of them.
    #[prop(into)]
    sessions: Signal<Vec<SessionInfo>>,
    /// Those that are being signed out.
    #[prop(into)]
    ending: Signal<Vec<SessionId>>,
    /// Signs one out.
    #[prop(into)]
    on_end: Callback<SessionInfo>,
) -> impl IntoView {
    view! {
        <ul class="session-list" aria-label="Signed in on">
            <For each=move || sessions.get() key=|one| (one.session, one.last_seen_at_ms) let:one>
                <SessionRow one ending on_end />
            </For>
        </ul>
    }
}

#[component]
fn SessionRow(
    one: SessionInfo,
    ending: Signal<Vec<SessionId>>,
    on_end: Callback<SessionInfo>,
) -> impl IntoView {
    let SessionInfo { session, device_name, created_at_ms, last_seen_at_ms, current, device: _ } =
        one.clone();
    let now_ms = browser::now_ms();
    let [began, seen] = [created_at_ms, last_seen_at_ms].map(browser::moment);
    let since = day_and_time(&began, browser::moment(now_ms).day);
    let last = last_seen(last_seen_at_ms, now_ms);
    let sign = sign_of(&device_name);
    let label = format!("Sign out {device_name}");
    let is_ending = move || ending.with(|ending| ending.contains(&session));
    let end = move |_| {
        if !untrack(is_ending) {
            on_end.run(one.clone());
        }
    };
    view! {
        <li class="session" class:session-current=current>
            <Icon sign />
            <div class="session-about">
                <p class="session-name">
                    <strong>{device_name}</strong>
                    {current.then(|| view! { <span class="session-here">"This browser"</span> })}
                </p>
                <p class="hint">
                    "Signed in " <time datetime=began.iso>{since}</time>
                    {(!current).then(|| view! { " · last seen " <time datetime=seen.iso>{last}</time> })}
                </p>
            </div>
            {(!current)
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="button"
                            aria-label=label
                            aria-disabled=move || is_ending().then_some("true")
                            on:click=end
                        >
                            "Sign out"
                        </button>
                    }
                })}
        </li>
    }
}

fn sign_of(device_name: &str) -> Sign {
    let is_phone = ["Android", "iPhone"].iter().any(|phone| device_name.contains(phone));
    if is_phone { Sign::Phone } else { Sign::Devices }
}

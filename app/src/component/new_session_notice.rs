//! Somebody signed in to the account: its owner should know.

use leptos::prelude::*;
use protocol::session::SessionInfo;

use super::icon::{Icon, Sign};
use crate::{browser, state::new_sessions::announcement};

/// Says which devices came in and when, and leads to the sessions; it can be put away.
#[component]
pub fn NewSessionNotice(
    /// The sessions that are new.
    sessions: ReadSignal<Vec<SessionInfo>>,
    /// Their owner has seen them.
    #[prop(into)]
    on_seen: Callback<()>,
) -> impl IntoView {
    let text = move || {
        sessions.with(|new| {
            let today = browser::moment(browser::now_ms()).day;
            (!new.is_empty()).then(|| announcement(new, browser::moment, today))
        })
    };
    view! {
        <div role="status">
            {move || {
                text()
                    .map(|text| {
                        view! {
                            <p class="notice-bar notice-bar-calm row">
                                <Icon sign=Sign::Devices />
                                <span>
                                    {text} " Was it not you? "
                                    <a href="/settings/sessions">"Look at your sessions"</a>
                                </span>
                                <button
                                    type="button"
                                    class="button button-quiet button-icon"
                                    aria-label="It was me: put this notice away"
                                    on:click=move |_| on_seen.run(())
                                >
                                    <Icon sign=Sign::Close />
                                </button>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

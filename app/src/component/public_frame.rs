//! The frame of the pages that everybody may see.

use leptos::prelude::*;

use super::{logo::Logo, notice_bar::NoticeBar};
use crate::state::session::use_session;

/// Header with the name, the page in `main`, and a line at the foot.
#[component]
pub fn PublicFrame(children: Children) -> impl IntoView {
    let session = use_session();
    let open = Memo::new(move |_| session.is_open());
    view! {
        <div class="public-frame">
            <NoticeBar notice=session.notice() />
            <header class="public-header">
                <a class="brand" href="/">
                    <Logo />
                    <span>"Secure Messaging"</span>
                </a>
                <nav aria-label="Account">
                    <a class="button button-quiet" href=move || if open.get() { "/inbox" } else { "/login" }>
                        {move || if open.get() { "Inbox" } else { "Sign in" }}
                    </a>
                </nav>
            </header>
            <main class="public-main" id="main">{children()}</main>
            <footer class="public-footer">
                <p>"End-to-end encrypted. Self-hosted. Open source."</p>
            </footer>
        </div>
    }
}

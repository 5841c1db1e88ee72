//! The frame of the pages that everybody may see.

use leptos::prelude::*;

use super::logo::Logo;

/// Header with the name, the page in `main`, and a line at the foot.
#[component]
pub fn PublicFrame(children: Children) -> impl IntoView {
    view! {
        <div class="public-frame">
            <header class="public-header">
                <a class="brand" href="/">
                    <Logo />
                    <span>"Secure Messaging"</span>
                </a>
                <nav aria-label="Account">
                    <a class="button button-quiet" href="/login">"Sign in"</a>
                </nav>
            </header>
            <main class="public-main" id="main">{children()}</main>
            <footer class="public-footer">
                <p>"End-to-end encrypted. Self-hosted. Open source."</p>
            </footer>
        </div>
    }
}

//! What opens beside a thread, over it where there is no room.

use leptos::{ev, prelude::*};

use super::icon::{Icon, Sign};

/// A panel with a title; Escape closes it.
#[component]
pub fn SidePanel(
    /// The id of the title, which gets the focus.
    id: &'static str,
    /// What it is about.
    title: &'static str,
    /// Closes it.
    on_close: Callback<()>,
    /// What is in it.
    children: Children,
) -> impl IntoView {
    view! {
        <section
            class="side-panel"
            aria-labelledby=id
            on:keydown=move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" {
                    event.stop_propagation();
                    on_close.run(());
                }
            }
        >
            <header class="side-panel-head">
                <h2 id=id tabindex="-1">{title}</h2>
                <button
                    type="button"
                    class="button button-quiet button-icon"
                    aria-label="Close"
                    on:click=move |_| on_close.run(())
                >
                    <Icon sign=Sign::Close />
                </button>
            </header>
            {children()}
        </section>
    }
}

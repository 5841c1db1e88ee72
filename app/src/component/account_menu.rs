//! Who is signed in, the way to the settings, and the ways out.

use client::Contact;
use leptos::{ev, html, prelude::*};

use super::{
    avatar::Avatar,
    icon::{Icon, Sign},
    unsent_warning::UnsentWarning,
};

/// A button with a panel.
#[component]
pub fn AccountMenu(
    /// Who is signed in.
    me: Contact,
    /// How many messages would be lost by logging out now.
    unsent: Callback<(), usize>,
    /// Locks the page.
    on_lock: Callback<()>,
    /// Logs out.
    on_log_out: Callback<()>,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let leaving = RwSignal::new(false);
    let warned = RwSignal::new(None::<usize>);
    let button = NodeRef::<html::Button>::new();
    let close = move || {
        open.set(false);
        warned.set(None);
        if let Some(button) = button.get_untracked() {
            // A button that is shown takes the focus.
            let _ = button.focus();
        }
    };
    let log_out = move |_| {
        let waiting = unsent.run(());
        if waiting > 0 && warned.get_untracked().is_none() {
            warned.set(Some(waiting));
        } else if !leaving.get_untracked() {
            leaving.set(true);
            on_log_out.run(());
        }
    };
    let name = me.username.to_string();
    view! {
        <div
            class="account-menu"
            on:keydown=move |event: ev::KeyboardEvent| {
                if event.key() == "Escape" && open.get_untracked() {
                    event.stop_propagation();
                    close();
                }
            }
        >
            <button
                type="button"
                class="account-button"
                aria-expanded=move || open.get().to_string()
                aria-controls="account-panel"
                aria-label=format!("Account: {name}")
                node_ref=button
                on:click=move |_| if open.get_untracked() { close() } else { open.set(true) }
            >
                <Avatar people=vec![me] />
            </button>
            <div id="account-panel" class="account-panel" hidden=move || !open.get()>
                <p>"Signed in as " <strong>{name}</strong></p>
                <a class="button button-wide" href="/settings">"Settings"</a>
                <button type="button" class="button button-wide" on:click=move |_| on_lock.run(())>
                    <Icon sign=Sign::Seal />
                    "Lock"
                </button>
                <UnsentWarning count=warned />
                <button
                    type="button"
                    class="button button-wide"
                    aria-disabled=move || leaving.get().then_some("true")
                    on:click=log_out
                >
                    {move || if warned.get().is_some() { "Log out anyway" } else { "Log out" }}
                </button>
                <p class="hint">
                    "Locking asks for your password again. Logging out also removes everything of yours from this browser. \
                     It stays safe on the server."
                </p>
            </div>
        </div>
    }
}

//! The end of an account.

use client::{Interruption, SettingsError};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};

use super::super::{Owner, focus_later};
use crate::{
    component::{
        confirm_form::{ConfirmForm, Typed},
        settings_part::SettingsPart,
    },
    page::signed_in::WayOut,
    state::session::use_session,
};

const TITLE: &str = "delete-title";

/// What it means; then a form that takes the name besides the password.
#[component]
pub fn DeletePart(
    /// Whose settings they are.
    owner: Owner,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let show = move |_| {
        open.set(true);
        focus_later("delete-name");
    };
    let close = move |()| {
        open.set(false);
        focus_later(TITLE);
    };
    view! {
        <SettingsPart id=TITLE title="Delete your account" danger=true>
            <ul class="settings-facts">
                <li>"Your keys, your messages and your settings are deleted, on the server and in this browser. Nothing brings them back."</li>
                <li>"Your contacts keep what you wrote to them, and see that your account is deleted."</li>
                <li>"Nobody can take your username again, not even you."</li>
            </ul>
            <p class="hint">"To keep your messages, " <a href="/settings/data">"export them first"</a> "."</p>
            <Show
                when=move || open.get()
                fallback=move || {
                    view! {
                        <div class="row">
                            <button type="button" class="button button-danger" on:click=show>"Delete my account"</button>
                        </div>
                    }
                }
            >
                <DeleteForm owner close />
            </Show>
        </SettingsPart>
    }
}

#[component]
fn DeleteForm(owner: Owner, #[prop(into)] close: Callback<()>) -> impl IntoView {
    let session = use_session();
    let way_out: WayOut = expect_context();
    let navigate = use_navigate();
    let attempt = owner.attempt();
    let username = owner.username();
    let field = NodeRef::<html::Input>::new();
    let name = username.clone();
    let on_confirm = move |typed: Typed| {
        let written = field.get_untracked().map(|input| input.value()).unwrap_or_default();
        if !written.trim().eq_ignore_ascii_case(&name) {
            return attempt.refuse("delete-name", format!("Type your username, {name}, to go on"));
        }
        let (account, deleted) = (owner.account(), owner.account());
        let navigate = navigate.clone();
        attempt.make(
            typed,
            move |confirmation| async move {
                match account.delete_account(&confirmation).await {
                    // Deleted, and something may be left in this browser: it opens with nothing any more.
                    Err(SettingsError::Interrupted(Interruption::Device(_))) => Ok(()),
                    result => result,
                }
            },
            move |()| {
                way_out.lead_to("/");
                spawn_local(async move {
                    session.account_deleted(&deleted).await;
                    navigate("/", NavigateOptions { replace: true, ..NavigateOptions::default() });
                });
            },
        );
    };
    view! {
        <ConfirmForm
            attempt
            username=username
            label="Delete your account"
            action="Delete for ever"
            doing="Deleting…"
            danger=true
            on_confirm
            on_cancel=close
        >
            <div class="field">
                <label for="delete-name">"Type your username"</label>
                <input
                    id="delete-name"
                    class="input"
                    type="text"
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    required
                    node_ref=field
                />
            </div>
        </ConfirmForm>
    }
}

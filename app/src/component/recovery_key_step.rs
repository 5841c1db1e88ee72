//! The recovery key, shown once, and typed back in part.

use crypto::recovery::{RecoveryKey, RecoveryKeyHint};
use leptos::{ev, html, prelude::*, task::spawn_local};

use super::form_error::FormError;
use crate::{browser, state::recovery};

/// Shows the key in groups; offers to copy, keep and print it; asks for two groups.
#[component]
pub fn RecoveryKeyStep(
    /// Whose key.
    username: String,
    /// The key.
    key: RecoveryKey,
    /// Which groups are asked for.
    hints: [RecoveryKeyHint; 2],
    /// What stands on the button that goes on.
    #[prop(default = "Continue to your inbox")]
    confirm_label: &'static str,
    /// Whether it stands on a page that has a heading of its own.
    #[prop(optional)]
    within: bool,
    /// Called when both were right.
    #[prop(into)]
    on_confirm: Callback<()>,
) -> impl IntoView {
    let groups: Vec<String> = key.to_text().split('-').map(str::to_owned).collect();
    let copied = RwSignal::new(None::<&'static str>);
    let error = RwSignal::new(None::<String>);
    let fields = [NodeRef::<html::Input>::new(), NodeRef::new()];

    let copy_key = key.clone();
    let copy = move |_| {
        let text = copy_key.to_text();
        spawn_local(async move {
            let done = browser::copy(&text).await;
            copied.set(Some(if done {
                "Copied. Paste it into your password manager, then clear the clipboard."
            } else {
                "This browser does not allow copying: download the key, or write it down."
            }));
        });
    };
    let file_key = key.clone();
    let download = move |_| {
        let text = recovery::file(&username, &file_key);
        let name = format!("{username}-recovery-key.txt");
        let saved = browser::download(&name, "text/plain;charset=utf-8", text.as_bytes());
        copied.set(Some(if saved {
            "Saved as a text file. Move it to where only you find it."
        } else {
            "This browser does not allow saving: copy the key, or write it down."
        }));
    };
    let confirm = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let wrong = hints.iter().zip(fields).find(|(hint, field)| {
            let typed = field.get_untracked().map(|input| input.value()).unwrap_or_default();
            !hint.matches(&key, &typed)
        });
        match wrong {
            None => on_confirm.run(()),
            Some((hint, field)) => {
                error.set(Some(format!(
                    "Group {} is different on your copy: compare it with the key above.",
                    hint.group + 1
                )));
                if let Some(input) = field.get_untracked() {
                    // A field that is shown takes the focus.
                    let _ = input.focus();
                }
            }
        }
    };

    view! {
        <section class="card card-wide recovery-key" aria-labelledby="recovery-key-title">
            <div>
                {if within {
                    view! { <h3 id="recovery-key-title" tabindex="-1">"Keep your new recovery key"</h3> }.into_any()
                } else {
                    view! { <h1 id="recovery-key-title" tabindex="-1">"Keep your recovery key"</h1> }.into_any()
                }}
                <p class="lead">
                    "If you ever lose your password, only this key can open your messages again. \
                     It is shown once. Nobody, not even the server, can give it to you again."
                </p>
            </div>
            <ol class="recovery-key-groups" aria-label="Recovery key">
                {groups
                    .into_iter()
                    .map(|group| view! { <li><code>{group}</code></li> })
                    .collect_view()}
            </ol>
            <div class="row no-print">
                <button type="button" class="button" on:click=copy>"Copy"</button>
                <button type="button" class="button" on:click=download>"Download"</button>
                <button type="button" class="button" on:click=move |_| browser::print()>"Print"</button>
            </div>
            <p class="hint no-print speaks-up" role="status">{move || copied.get()}</p>
            <form class="recovery-key-check no-print" on:submit=confirm>
                {if within {
                    view! { <h4>"Show that you have it"</h4> }.into_any()
                } else {
                    view! { <h2>"Show that you have it"</h2> }.into_any()
                }}
                <p class="hint">"Type these two groups from your copy."</p>
                <div class="recovery-key-fields">
                    {hints
                        .into_iter()
                        .zip(fields)
                        .map(|(hint, node)| {
                            let id = format!("recovery-group-{}", hint.group + 1);
                            view! {
                                <div class="field">
                                    <label for=id.clone()>{format!("Group {}", hint.group + 1)}</label>
                                    <input
                                        id=id
                                        class="input input-code"
                                        type="text"
                                        maxlength="8"
                                        autocomplete="off"
                                        autocapitalize="characters"
                                        spellcheck="false"
                                        required
                                        node_ref=node
                                    />
                                </div>
                            }
                        })
                        .collect_view()}
                </div>
                <FormError text=error />
                <button type="submit" class="button button-primary button-wide">{confirm_label}</button>
            </form>
        </section>
    }
}

//! Recovery codes, shown once.

use crypto::one_time::RecoveryCode;
use leptos::{prelude::*, task::spawn_local};
use zeroize::Zeroizing;

use crate::browser;

/// The codes; ways to keep them; the word that they are kept.
#[component]
pub fn RecoveryCodesView(
    /// Whose codes.
    username: String,
    /// The codes.
    codes: Vec<RecoveryCode>,
    /// Their owner has kept them.
    #[prop(into)]
    on_kept: Callback<()>,
) -> impl IntoView {
    let said = RwSignal::new(None::<&'static str>);
    let lines = StoredValue::new(lines(&codes));
    let copy = move |_| {
        spawn_local(async move {
            let done = browser::copy(&lines.get_value()).await;
            let _ = said.try_set(Some(if done {
                "Copied. Paste them into your password manager, then clear the clipboard."
            } else {
                "This browser does not allow copying: download the codes, or write them down."
            }));
        });
    };
    let download = move |_| {
        let text = lines.with_value(|lines| file(&username, lines));
        let name = format!("{username}-recovery-codes.txt");
        let saved = browser::download(&name, "text/plain;charset=utf-8", text.as_bytes());
        said.set(Some(if saved {
            "Saved as a text file. Move it to where only you find it."
        } else {
            "This browser does not allow saving: copy the codes, or write them down."
        }));
    };
    view! {
        <div class="recovery-codes">
            <h4 id="recovery-codes-title" tabindex="-1">"Keep your recovery codes"</h4>
            <p>
                "Without your authenticator, one of these lets you in. Each works once. \
                 They are shown only now."
            </p>
            <ol class="recovery-codes-list" aria-label="Recovery codes">
                {codes
                    .into_iter()
                    .map(|code| view! { <li><code>{code.to_text().to_string()}</code></li> })
                    .collect_view()}
            </ol>
            <div class="row no-print">
                <button type="button" class="button" on:click=copy>"Copy"</button>
                <button type="button" class="button" on:click=download>"Download"</button>
                <button type="button" class="button" on:click=move |_| browser::print()>"Print"</button>
            </div>
            <p class="hint no-print speaks-up" role="status">{move || said.get()}</p>
            <button type="button" class="button button-primary no-print" on:click=move |_| on_kept.run(())>
                "I have kept them"
            </button>
        </div>
    }
}

fn lines(codes: &[RecoveryCode]) -> Zeroizing<String> {
    Zeroizing::new(codes.iter().map(|code| format!("{}\n", *code.to_text())).collect())
}

/// What is offered as a file.
fn file(username: &str, lines: &str) -> Zeroizing<String> {
    Zeroizing::new(format!(
        "Recovery codes of {username} for Secure Messaging\n\n{lines}\n\
         Each lets you sign in once, together with your password, without your authenticator.\n\
         New codes take the place of these.\n"
    ))
}

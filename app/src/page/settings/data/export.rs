//! Everything of the account, to take away.

use leptos::{ev, html, prelude::*, task::spawn_local};
use protocol::password;
use zeroize::Zeroizing;

use super::super::{Owner, focus_later};
use crate::{
    browser,
    component::{
        form_error::FormError,
        password_field::PasswordField,
        settings_part::{Done, SettingsPart},
    },
};

const TITLE: &str = "export-title";

/// What kind of file.
#[derive(Clone)]
enum Kind {
    /// A page for people.
    Page,
    /// JSON for programs.
    Json,
    /// One file that opens with this passphrase.
    Sealed(Zeroizing<String>),
}

/// A file that is being made. Copies are the same.
#[derive(Clone, Copy)]
struct Making {
    owner: Owner,
    busy: RwSignal<bool>,
    done: RwSignal<Option<String>>,
    error: RwSignal<Option<String>>,
}

/// Why no file was made, and where that is mended.
struct NotMade {
    field: &'static str,
    text: String,
}

impl NotMade {
    fn at(field: &'static str, why: impl ToString) -> Self {
        Self { field, text: why.to_string() }
    }
}

/// Three kinds of file.
#[component]
pub fn ExportPart(
    /// Whose settings they are.
    owner: Owner,
) -> impl IntoView {
    let making =
        Making { owner, busy: RwSignal::new(false), done: RwSignal::new(None), error: RwSignal::new(None) };
    let sealing = RwSignal::new(false);
    let seal = move |_| {
        sealing.set(true);
        focus_later("passphrase");
    };
    let close = Callback::new(move |()| {
        sealing.set(false);
        focus_later(TITLE);
    });
    let button = move |label: &'static str, kind: Kind| {
        view! {
            <button
                type="button"
                class="button"
                aria-label=label
                aria-disabled=move || making.busy.get().then_some("true")
                on:click=move |_| making.make(kind.clone(), || ())
            >
                "Save"
            </button>
        }
    };
    view! {
        <SettingsPart id=TITLE title="Export your data">
            <p class="hint">
                "Your profile, your contacts and all messages that this browser can read. The file is made here: nothing of it is sent."
            </p>
            <ul class="export-kinds">
                <li>
                    <div>
                        <h4>"A page to read"</h4>
                        <p class="hint">"HTML. Opens in any browser. Whoever gets the file can read it."</p>
                    </div>
                    {button("Save a page to read", Kind::Page)}
                </li>
                <li>
                    <div>
                        <h4>"A file for programs"</h4>
                        <p class="hint">"JSON. Whoever gets the file can read it."</p>
                    </div>
                    {button("Save a file for programs", Kind::Json)}
                </li>
                <li>
                    <div>
                        <h4>"An encrypted file"</h4>
                        <p class="hint">"The same JSON, sealed with a passphrase. Nobody opens it without."</p>
                    </div>
                    <Show when=move || !sealing.get()>
                        <button type="button" class="button" aria-label="Save an encrypted file" on:click=seal>"Save"</button>
                    </Show>
                </li>
            </ul>
            <Show when=move || sealing.get()>
                <SealForm making close />
            </Show>
            <FormError text=making.error />
            <Done text=making.done />
        </SettingsPart>
    }
}

#[component]
fn SealForm(making: Making, close: Callback<()>) -> impl IntoView {
    let fields = [NodeRef::<html::Input>::new(), NodeRef::new()];
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let [passphrase, again] = fields.map(|field| {
            Zeroizing::new(field.get_untracked().map(|input| input.value()).unwrap_or_default())
        });
        if *passphrase != *again {
            making.error.set(Some("The two passphrases are different: type them again".to_owned()));
            return focus_later("passphrase-again");
        }
        making.make(Kind::Sealed(passphrase), move || close.run(()));
    };
    view! {
        <form class="confirm-form" method="post" novalidate aria-label="Save an encrypted file" on:submit=submit>
            <PasswordField
                id="passphrase"
                label="Passphrase"
                autocomplete="new-password"
                node=fields[0]
                described_by="passphrase-hint"
            />
            <p id="passphrase-hint" class="hint">
                "The rules of passwords hold. Nobody can tell it to you again: without it the file is lost."
            </p>
            <PasswordField id="passphrase-again" label="Passphrase again" autocomplete="new-password" node=fields[1] />
            <div class="row">
                <button
                    id="seal"
                    type="submit"
                    class="button button-primary"
                    aria-disabled=move || making.busy.get().then_some("true")
                >
                    "Save encrypted file"
                </button>
                <button type="button" class="button button-quiet" on:click=move |_| close.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

impl Making {
    fn make(self, kind: Kind, after: impl FnOnce() + 'static) {
        if self.busy.get_untracked() {
            return;
        }
        self.error.set(None);
        self.done.set(Some("Gathering your messages…".to_owned()));
        self.busy.set(true);
        spawn_local(async move {
            let made = self.save(kind).await;
            // The page may have been left meanwhile.
            let _ = self.busy.try_set(false);
            match made {
                Ok(name) => {
                    let _ = self.done.try_set(Some(format!("Saved as {name}.")));
                    after();
                }
                Err(NotMade { field, text }) => {
                    let _ = self.done.try_set(None);
                    let _ = self.error.try_set(Some(text));
                    focus_later(field);
                }
            }
        });
    }

    /// The name of the file.
    async fn save(self, kind: Kind) -> Result<String, NotMade> {
        let account = self.owner.account();
        if let Kind::Sealed(passphrase) = &kind {
            // Before the work, not after it.
            password::check(passphrase, Some(&account.me().username))
                .map_err(|refused| NotMade::at("passphrase", refused))?;
        }
        let export = account.export().await.map_err(|error| NotMade::at("seal", error))?;
        let (ending, media_type, bytes) = match kind {
            Kind::Page => {
                let page = export.to_html(|at_ms| {
                    let moment = browser::moment(at_ms);
                    format!("{}, {}", moment.long_day, moment.time)
                });
                ("html", "text/html;charset=utf-8", Zeroizing::new(page.as_bytes().to_vec()))
            }
            Kind::Json => ("json", "application/json", Zeroizing::new(export.to_json().as_bytes().to_vec())),
            Kind::Sealed(passphrase) => {
                let sealed = account.seal_export(&export, &passphrase).await;
                let sealed = sealed.map_err(|refused| NotMade::at("passphrase", refused))?;
                ("smexport", "application/octet-stream", Zeroizing::new(sealed))
            }
        };
        let moment = browser::moment(browser::now_ms());
        let day = moment.iso.split('T').next().unwrap_or_default();
        let name = format!("{}-messages-{day}.{ending}", self.owner.username());
        if !browser::download(&name, media_type, &bytes) {
            return Err(NotMade::at(
                "seal",
                "This browser does not allow saving files here: nothing was saved",
            ));
        }
        Ok(name)
    }
}

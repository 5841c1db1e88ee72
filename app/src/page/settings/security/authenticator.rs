//! Setting up an authenticator: the password, the secret, the first code.

use crypto::one_time::RecoveryCode;
use leptos::{ev, html, prelude::*, task::spawn_local};
use protocol::second_factor::{TotpBegun, TotpCode};

use super::super::{Owner, focus_later};
use crate::{
    browser,
    component::{
        confirm_form::{Attempt, ConfirmForm, Typed},
        form_error::FormError,
        qr_code::QrCodeView,
    },
};

/// First the password, then the secret with a field for the first code.
#[component]
pub fn SetUp(
    /// Whose settings they are.
    owner: Owner,
    /// Called with the recovery codes, once the second factor is on.
    on_codes: Callback<Vec<RecoveryCode>>,
    /// Puts the form away.
    on_cancel: Callback<()>,
) -> impl IntoView {
    let attempt = owner.attempt();
    let begun = RwSignal::new(None::<TotpBegun>);
    let on_confirm = move |typed: Typed| {
        let account = owner.account();
        attempt.make(
            typed,
            move |confirmation| async move { account.begin_totp(&confirmation).await },
            move |secret| {
                // The page may have been left meanwhile.
                let _ = begun.try_set(Some(secret));
                focus_later("scan-title");
            },
        );
    };
    move || match begun.get() {
        None => view! {
            <ConfirmForm
                attempt
                username=owner.username()
                label="Set up two-factor authentication"
                action="Continue"
                doing="One moment…"
                on_confirm
                on_cancel
            >
                <p>"You need an authenticator: an app that shows a new code every 30 seconds."</p>
            </ConfirmForm>
        }
        .into_any(),
        Some(begun) => view! { <Scan owner begun on_codes on_cancel /> }.into_any(),
    }
}

#[component]
fn Scan(
    owner: Owner,
    begun: TotpBegun,
    on_codes: Callback<Vec<RecoveryCode>>,
    on_cancel: Callback<()>,
) -> impl IntoView {
    let TotpBegun { secret, uri } = begun;
    let groups = in_groups(&secret);
    let secret = StoredValue::new(secret);
    let said = RwSignal::new(None::<&'static str>);
    let copy = move |_| {
        spawn_local(async move {
            let done = browser::copy(&secret.get_value()).await;
            let _ = said.try_set(Some(if done {
                "Copied."
            } else {
                "This browser does not allow copying: type the secret."
            }));
        });
    };
    // No password is typed here: the one before is good for this secret.
    let attempt = Attempt::new(false);
    let field = NodeRef::<html::Input>::new();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let typed = field.get_untracked().map(|input| input.value()).unwrap_or_default();
        let Ok(code) = typed.parse::<TotpCode>() else {
            return attempt.refuse("code", "Type the 6 digits that your authenticator shows");
        };
        let account = owner.account();
        attempt.go(async move { account.enable_totp(code).await }, move |new| on_codes.run(new.codes));
    };
    view! {
        <form class="confirm-form" method="post" novalidate aria-labelledby="scan-title" on:submit=submit>
            <h4 id="scan-title" tabindex="-1">"Scan this code with your authenticator"</h4>
            <div class="authenticator">
                <QrCodeView text=uri.clone() label="QR code for your authenticator" />
                <div class="authenticator-by-hand">
                    <p>"No camera? Type this secret:"</p>
                    <p class="authenticator-secret">
                        <code aria-label="Secret" role="group">{groups}</code>
                    </p>
                    <div class="row">
                        <button type="button" class="button" on:click=copy>"Copy secret"</button>
                        <a class="button authenticator-open" href=uri>"Open in authenticator app"</a>
                    </div>
                    <p class="hint speaks-up" role="status">{move || said.get()}</p>
                </div>
            </div>
            <div class="field">
                <label for="code">"First code"</label>
                <input
                    id="code"
                    name="code"
                    class="input input-code authenticator-code"
                    type="text"
                    inputmode="numeric"
                    autocomplete="one-time-code"
                    spellcheck="false"
                    required
                    aria-describedby="code-hint"
                    node_ref=field
                />
                <p id="code-hint" class="hint">"The 6 digits that it shows now: they switch two-factor authentication on."</p>
            </div>
            <FormError text=attempt.error() />
            <div class="row">
                <button
                    id="confirm"
                    type="submit"
                    class="button button-primary"
                    aria-disabled=move || attempt.busy().then_some("true")
                >
                    "Turn on"
                </button>
                <button type="button" class="button button-quiet" on:click=move |_| on_cancel.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

/// Groups of four, as people read them aloud.
fn in_groups(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_in_groups_of_four() {
        assert_eq!(in_groups("JBSWY3DPEHPK3PXP"), "JBSW Y3DP EHPK 3PXP");
        assert_eq!(in_groups("ABCDE"), "ABCD E");
    }
}

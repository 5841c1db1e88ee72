//! `/settings/security`: what lets one in, and what lets one in again.

pub mod authenticator;
pub mod password;
pub mod recovery_key;
pub mod second_factor;

use leptos::prelude::*;

use super::{Owner, SettingsPage};
use password::PasswordPart;
use recovery_key::RecoveryKeyPart;
use second_factor::SecondFactorPart;

/// Which form is open: one at a time, so that there is one password to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Another password.
    Password,
    /// The second factor is set up.
    SetUp,
    /// New recovery codes.
    RenewCodes,
    /// The second factor is switched off.
    TurnOff,
    /// A recovery key is tested.
    TestKey,
    /// A new recovery key.
    NewKey,
}

/// The form that is open.
pub type OpenForm = RwSignal<Option<Form>>;

/// The page.
#[component]
pub fn SecuritySettings() -> impl IntoView {
    let content = |owner: Owner| {
        let form: OpenForm = RwSignal::new(None);
        view! {
            <PasswordPart owner form />
            <SecondFactorPart owner form />
            <RecoveryKeyPart owner form />
        }
        .into_any()
    };
    view! { <SettingsPage title="Security" content /> }
}
